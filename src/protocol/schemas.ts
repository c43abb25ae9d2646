/** What may come over the wire, field by field; unknown fields are refused. */
import { z } from "zod";
import { dependenciesMax } from "../core/creation.ts";
import { deliveries, priorities } from "../core/loop.ts";
import { bodyCharsMax, queryTimeoutMsMax, topicCharsMax } from "../core/message.ts";
import { type ChatRequest, chatCharsMax } from "./chat.ts";
import type { Raise, RunRequest } from "./door.ts";
import { chatIdPattern, loopIdPattern } from "./ids.ts";
import { messageWaitMsMax, type SendRequest } from "./mail.ts";
import type { Amendment } from "./plans.ts";

const taskCharsMax = 1_000_000;
const text = z.string().max(taskCharsMax);
export const batchMax = 10_000;
/** What one loop may wait for. */
export const afterMax = dependenciesMax;

export const loopId = z.string().regex(loopIdPattern, {
  error: "expected a loop id such as 7 or 7.2.1",
});

const modelName = z.string().min(3, { error: "expected provider/model" }).max(256);

export const runRequest: z.ZodType<RunRequest> = z.strictObject({
  type: z.string().min(1).max(64),
  task: z.string().min(1).max(taskCharsMax),
  dir: z.string().startsWith("/").max(4_096),
  validate: z.string().min(1).max(10_000).nullable(),
  iterationsMax: z.int().min(1).max(100_000).nullable(),
  model: modelName.nullable(),
  budgetUsd: z.number().min(0).max(1e6).nullable(),
  base: z.string().min(1).max(1_024).nullable(),
  priority: z.enum(priorities),
  after: z.array(loopId).max(afterMax),
  afterEarlier: z.array(z.int().min(0).max(batchMax)).max(afterMax).optional(),
  deliver: z.enum(deliveries).nullable(),
  approved: z.boolean().optional(),
  parameters: z.record(z.string().max(63), z.string().max(2_000)).optional(),
});

export const runRequests = z.array(runRequest).min(1).max(batchMax);

export const raise = z.strictObject({
  iterationsMax: z.int().min(1).max(100_000).optional(),
  budgetUsd: z.number().min(0).max(1e6).optional(),
  budgetTokens: z.int().min(1).max(1e12).optional(),
}) as unknown as z.ZodType<Raise>;

export const answer = z.strictObject({ text: z.string().min(1).max(100_000) });
export const rollback = z.strictObject({ to: z.int().min(0).max(1_000_000) });
const draftFiles = z.array(z.strictObject({ path: z.string().max(300), text })).max(200);

export const amendment: z.ZodType<Amendment> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("approve") }),
  z.strictObject({ type: z.literal("reject"), feedback: z.string().min(1).max(100_000) }),
  z.strictObject({ type: z.literal("drop") }),
  z.strictObject({ type: z.literal("merge"), as: z.literal("pr").optional() }),
  z.strictObject({ type: z.literal("edit"), files: draftFiles }),
  z.strictObject({ type: z.literal("add"), name: z.string().max(80).nullable(), text }),
]);

export const shutdown = z.strictObject({ now: z.boolean() });

export const messageId = z.string().regex(/^m[1-9]\d{0,14}$/, {
  error: "expected a message id such as m7",
});

const body = z.string().min(1).max(bodyCharsMax);
export const send: z.ZodType<SendRequest> = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("alert"),
    topic: z.string().min(1).max(topicCharsMax),
    body,
    dir: z.string().startsWith("/").max(4_096),
    plan: loopId.nullable(),
  }),
  z.strictObject({
    kind: z.literal("query"),
    to: loopId,
    body,
    timeoutMs: z.int().min(1).max(queryTimeoutMsMax),
  }),
  z.strictObject({ kind: z.enum(["share", "stop"]), to: loopId, body }),
]);

export const messageQuery = z.strictObject({
  waitMs: z.coerce.number().int().min(0).max(messageWaitMsMax).default(0),
});

export const loopFilter = z.strictObject({
  status: z.string().max(32).optional(),
  type: z.string().max(64).optional(),
  plan: loopId.optional(),
});

export const feedQuery = z.strictObject({
  from: z.coerce.number().int().min(1).optional(),
  loop: loopId.optional(),
});

/** Milliseconds since the epoch. */
export const digestQuery = z.strictObject({ since: z.coerce.number().int().min(0) });

/** What a screen says on its board, and what opens the dashboard's door. */
export const boardFocus = z.strictObject({ focus: loopId.nullable() });
export const login = z.strictObject({ token: z.string().max(200) });
export const dashboard = z.strictObject({ port: z.int().min(0).max(65_535).nullable() });
export const feedback = z.strictObject({ text: z.string().min(1).max(100_000) });
export const configQuery = z.strictObject({
  dir: z.string().startsWith("/").max(4_096).optional(),
});

export const chatId = z.string().regex(chatIdPattern, {
  error: "expected a conversation such as c7",
});
export const chat: z.ZodType<ChatRequest> = z.strictObject({
  chat: chatId.nullable(),
  dir: z.string().startsWith("/").max(4_096),
  model: modelName.nullable(),
  text: z.string().max(chatCharsMax).regex(/\S/, { error: "expected words" }),
});
export const chatsQuery = z.strictObject({ dir: z.string().startsWith("/").max(4_096) });
export const chatPlan = z.strictObject({ words: z.string().max(10_000) });

/** One line of a batch: the options of `td run`, by their names. */
export const batchLine = z.strictObject({
  type: z.string(),
  /** What later lines call it in `after`. */
  name: z
    .string()
    .regex(/^[A-Za-z][\w.-]{0,63}$/, { error: "expected a letter, then letters, digits, _ . -" })
    .optional(),
  task: z.string().regex(/\S/, { error: "it is empty: say what is to be done" }),
  repo: z.string().optional(),
  validate: z.string().min(1).optional(),
  "max-iterations": z.int().min(1).optional(),
  model: z.string().optional(),
  agent: z.literal("builtin", { error: "there is only builtin; leave it out" }).optional(),
  priority: z.enum(priorities).optional(),
  budget: z.number().min(0).optional(),
  base: z.string().optional(),
  after: z
    .union([z.string(), z.array(z.string())], { error: "expected an id or a name, or a list" })
    .optional(),
  deliver: z.enum(deliveries).optional(),
  set: z.record(z.string(), z.string()).optional(),
});

export type BodySchema<T> = z.ZodType<T>;

/** A schema as JSON Schema, for the OpenAPI document. */
export function jsonSchemaOf(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { io: "input" });
}
