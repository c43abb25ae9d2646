import { z } from "zod";

const count = z.int().nonnegative();
const pattern = z.string().refine((text) => toRegExp(text) !== "invalid", {
  message: "not a valid regular expression (/…/ with flags of i, m, s, u)",
});
const patterns = z.union([pattern, z.array(pattern).min(1)]);

const fault = z
  .strictObject({
    status: z.int().min(400).max(599).optional(),
    "retry-after": z.union([z.number().nonnegative(), z.string()]).optional(),
    message: z.string().optional(),
    "cut-after": count.optional(),
    "end-after": count.optional(),
    "error-after": count.optional(),
    stall: z.union([z.literal(true), count]).optional(),
    silent: z.union([z.literal(true), z.literal("headers")]).optional(),
    malformed: count.optional(),
    split: z.literal(true).optional(),
  })
  .superRefine((value, context) => {
    const named = exclusive.filter((key) => value[key] !== undefined);
    if (named.length > 1) {
      context.addIssue({ code: "custom", message: `${named.join(" and ")} exclude each other` });
    }
    if (value["retry-after"] !== undefined && value.status === undefined) {
      context.addIssue({ code: "custom", message: "retry-after needs a status" });
    }
    if (Object.values(value).every((entry) => entry === undefined)) {
      context.addIssue({ code: "custom", message: "an empty fault" });
    }
  });

const exclusive = [
  "status",
  "cut-after",
  "end-after",
  "error-after",
  "stall",
  "silent",
  "malformed",
] as const;

const usage = z.strictObject({
  input_tokens: count.optional(),
  output_tokens: count.optional(),
  cache_read_input_tokens: count.optional(),
  cache_creation_input_tokens: count.optional(),
  cache_creation: z
    .strictObject({
      ephemeral_5m_input_tokens: count.optional(),
      ephemeral_1h_input_tokens: count.optional(),
    })
    .optional(),
  thinking_tokens: count.optional(),
});

const replyShape = {
  text: z.string().optional(),
  thinking: z.string().optional(),
  tools: z
    .array(z.strictObject({ name: z.string().min(1), input: z.record(z.string(), z.unknown()) }))
    .optional(),
  usage: usage.optional(),
  "stop-reason": z
    .enum([
      "end_turn",
      "max_tokens",
      "stop_sequence",
      "tool_use",
      "pause_turn",
      "refusal",
      "model_context_window_exceeded",
    ])
    .optional(),
  "latency-ms": z.number().nonnegative().optional(),
  "tokens-per-second": z.number().positive().optional(),
  fault: fault.optional(),
};

const reply = z.strictObject(replyShape);

const rule = z.strictObject({
  match: patterns.optional(),
  "not-match": patterns.optional(),
  turn: count.optional(),
  protocol: z.enum(["anthropic", "chat", "responses"]).optional(),
  times: z.int().positive().optional(),
  ...replyShape,
});

const scenario = z.strictObject({
  seed: z.int().optional(),
  replies: z.array(rule).optional(),
  faults: z
    .strictObject({
      rate: z.number().min(0).max(1),
      kinds: z.array(fault).min(1).optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      "requests-per-minute": z.int().positive().optional(),
      "input-tokens-per-minute": z.int().positive().optional(),
      "output-tokens-per-minute": z.int().positive().optional(),
    })
    .optional(),
  "ping-ms": z.number().min(1).optional(),
});

/** What goes wrong with one answer: a status, or a break in the stream. */
export type Fault = z.infer<typeof fault>;

/** What the model says, in the words of a scenario file. */
export type Reply = z.infer<typeof reply>;
export type Rule = z.infer<typeof rule>;
/** A scenario file, read. */
export type Scenario = z.infer<typeof scenario>;
export type StopReason = NonNullable<Reply["stop-reason"]>;
export type Limits = NonNullable<Scenario["limits"]>;

export interface Complaint {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The value as a scenario, or every complaint about it with the place it is at. */
export function checkScenario(
  value: unknown,
): { ok: true; scenario: Scenario } | { ok: false; complaints: readonly Complaint[] } {
  const result = scenario.safeParse(value);
  if (result.success) return { ok: true, scenario: result.data };
  const complaints = result.error.issues.map((issue) => ({
    path: issue.path.map((step) => (typeof step === "symbol" ? String(step) : step)),
    message: issue.message,
  }));
  return { ok: false, complaints };
}

/** `/…/flags` is a regular expression, anything else is plain text (null). */
export function toRegExp(text: string): RegExp | null | "invalid" {
  const parts = /^\/(.+)\/([imsu]*)$/s.exec(text);
  if (parts?.[1] === undefined) return null;
  try {
    return new RegExp(parts[1], parts[2]);
  } catch (error) {
    if (error instanceof SyntaxError) return "invalid";
    throw error;
  }
}
