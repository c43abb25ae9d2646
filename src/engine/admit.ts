import { callEndOf } from "../core/breaker.ts";
import type { Loop, Millis, Usage } from "../core/loop.ts";
import { LlmError, type LlmReply, type Model } from "../ports/llm.ts";
import type { AdmissionGate, CallReport, Ticket } from "./admission-gate.ts";
import { AttemptEnd, type Engine } from "./engine.ts";
import { waitText } from "./gates.ts";

/** A call as the gates see it. */
export interface Admittee {
  readonly loop: Loop;
  readonly model: Model;
  readonly turn: number;
  /** Of the request. */
  readonly bytes: number;
}

export const neverBegan: CallReport = { health: "neutral", real: null, told: null };

/** Does `body` between the gates' leave and their account of it, whatever happens in it. */
export async function admitted<R extends LlmReply | string>(
  engine: Engine,
  call: Admittee,
  signal: AbortSignal,
  body: () => Promise<R>,
): Promise<R> {
  return accounted(await enterAll(engine, call, signal), body);
}

/** The gates have let it in; they hear of its end. */
export async function accounted<R extends LlmReply | string>(
  tickets: readonly Ticket[],
  body: () => Promise<R>,
): Promise<R> {
  let report = neverBegan;
  try {
    const reply = await body();
    if (typeof reply !== "string") report = replied(reply);
    return reply;
  } catch (error) {
    if (error instanceof LlmError) report = broken(error);
    throw error;
  } finally {
    for (const ticket of tickets) ticket.end(report);
  }
}

/** The provider asked for a pause: all loops of the process keep it. */
export function holdAll(engine: Engine, { model }: Admittee, until: Millis): void {
  for (const gate of engine.gatesOf(model.provider)) gate.hold(model.name, until);
}

/** Waiting is no work: a stop, a drain and the end of an iteration's time end it at once. */
export function endIfHalted(engine: Engine, { loop }: Pick<Admittee, "loop">, signal: AbortSignal) {
  if (!signal.aborted && !engine.drain.aborted) return;
  const why: unknown = signal.aborted ? signal.reason : "the daemon was stopped";
  throw new AttemptEnd({
    type: "interrupted",
    during: duringCall(loop),
    reason: typeof why === "string" ? why : "interrupted",
    notBeforeAt: engine.world.clock.now(),
  });
}

export function duringCall(loop: Loop): string {
  return `iteration ${loop.iteration + 1}, a call of the model`;
}

async function enterAll(
  engine: Engine,
  call: Admittee,
  signal: AbortSignal,
): Promise<readonly Ticket[]> {
  const tickets: Ticket[] = [];
  try {
    for (const gate of engine.gatesOf(call.model.provider)) {
      tickets.push(await enter(engine, call, gate, signal));
    }
    return tickets;
  } catch (error) {
    for (const ticket of tickets) ticket.end(neverBegan);
    throw error;
  }
}

async function enter(
  engine: Engine,
  call: Admittee,
  gate: AdmissionGate,
  signal: AbortSignal,
): Promise<Ticket> {
  const { world, drain } = engine;
  const { loop, model, bytes } = call;
  const { id, priority, updatedAt: since } = loop;
  const { name, outputTokensMax } = model;
  const patienceMs = patienceMsOf(engine, call);
  const answer = await gate.enter(
    { loop: id, priority, since, model: name, bytes, outputTokensMax },
    patienceMs,
    (wait) => {
      const reason = waitText(wait, nameOf(model), gate.limits);
      const until = wait.until ?? world.clock.now() + patienceMs;
      world.watch({ type: "waiting", loop: id, iteration: loop.iteration + 1, until, reason });
    },
    AbortSignal.any([signal, drain]),
  );
  if (answer.ok) return answer;
  if (answer.aborted) endIfHalted(engine, call, signal);
  const { wait } = answer as Extract<typeof answer, { aborted: false }>;
  const reason = waitText(wait, nameOf(model), gate.limits);
  throw gaveUp(engine, call, reason, wait.until);
}

const talkPatienceMs = 600_000;

/**
 * Who gives up in the middle of a conversation loses it: with slow calls, one at a time, nobody
 * would ever come to a second turn. The iteration's own time is a bound as well.
 */
function patienceMsOf({ patience }: Engine, { turn }: Admittee): Millis {
  const { retryAfterMaxMs } = patience;
  return turn === 1 ? retryAfterMaxMs : Math.max(retryAfterMaxMs, talkPatienceMs);
}

/** A slot is not held for longer than patience; what waits comes back after its turn came near. */
const pauseMs = 5_000;
const pauseMsMax = 600_000;

function gaveUp(
  { world }: Engine,
  { loop }: Admittee,
  reason: string,
  until: Millis | null,
): AttemptEnd {
  const now = world.clock.now();
  const soon = Math.min(Math.max((until ?? now) - now, 0), pauseMsMax);
  const notBeforeAt = now + Math.round(soon + pauseMs * (1 + world.random.next()));
  return new AttemptEnd({ type: "interrupted", during: duringCall(loop), reason, notBeforeAt });
}

function replied({ usage, rates }: LlmReply): CallReport {
  return { health: "success", real: counted(usage), told: rates ?? null };
}

/** What a call took that broke before anybody said is guessed, unless it cannot have been much. */
function broken({ kind, status, usage, rates }: LlmError): CallReport {
  const isRefused = status !== null || kind === "network";
  const unsaid = isRefused ? { inputTokens: 0, outputTokens: 0 } : "unknown";
  return { health: callEndOf(kind), real: usage === null ? unsaid : counted(usage), told: rates };
}

/** Reads from a cache are not what providers limit. */
function counted({ inputTokens, cacheWriteTokens, outputTokens }: Usage) {
  return { inputTokens: inputTokens + cacheWriteTokens, outputTokens };
}

function nameOf({ provider, name }: Model): string {
  return `${provider}/${name}`;
}
