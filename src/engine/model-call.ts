import { assert } from "../core/assert.ts";
import { type Allowance, tokensEstimated } from "../core/budget.ts";
import { holdsLease } from "../core/decide.ts";
import { type Loop, type Millis, noUsage, type Usage } from "../core/loop.ts";
import { afterFailure, type Failure } from "../core/retry.ts";
import { loopOf } from "../core/state.ts";
import {
  LlmError,
  type LlmErrorKind,
  type LlmReply,
  type LlmRequest,
  type Model,
  type Price,
} from "../ports/llm.ts";
import { type Admittee, admitted, duringCall, endIfHalted, holdAll } from "./admit.ts";
import { AttemptEnd, type Engine, lost } from "./engine.ts";
import { awaitAllowance, type Patience, reserve, settle } from "./purse.ts";

export interface ModelCall {
  readonly loop: Loop;
  readonly turn: number;
  readonly model: Model;
  readonly request: Omit<LlmRequest, "outputTokensMax" | "model">;
}

type SizedCall = ModelCall & Admittee;

/** One model call: failures are retried, parked, or turned into the end of the attempt. */
export async function callModel(
  engine: Engine,
  call: ModelCall,
  signal: AbortSignal,
): Promise<LlmReply> {
  const { patience, states } = engine;
  const admittee = { ...call, bytes: bytesOf(call.request) };
  const purchase = { loop: call.loop, model: call.model, inputTokens: inputOf(admittee) };
  let purse: Patience = { leftMs: patience.retryAfterMaxMs, after: null };
  for (let tries = 1; ; ) {
    assert(tries <= patience.triesMax, "afterFailure() ends the tries");
    await passParking(engine, call, signal);
    const leftMs = await awaitAllowance(engine, purchase, purse, signal);
    purse = { leftMs, after: null };
    const change = states.changes.next();
    try {
      const reply = await admitted(engine, admittee, signal, () =>
        paidTry(engine, admittee, tries, signal),
      );
      if (typeof reply !== "string") return reply;
      // Others were first. Not for ever, even where time stands still.
      if (reply === "short") purse = { leftMs: leftMs - 1, after: change };
    } catch (error) {
      if (!(error instanceof LlmError) || error.kind === "aborted" || signal.aborted) throw error;
      await afterError(engine, admittee, { error, kind: error.kind, tries }, signal);
      tries += 1;
    }
  }
}

interface FailedTry {
  readonly error: LlmError;
  readonly kind: Failure;
  readonly tries: number;
}

/** Returns when it is worth another try. */
async function afterError(
  engine: Engine,
  call: SizedCall,
  { error, kind, tries }: FailedTry,
  signal: AbortSignal,
): Promise<void> {
  const { world, patience } = engine;
  const { retryAfterMs, message } = error;
  const step = afterFailure(kind, retryAfterMs, tries, world.random.next(), patience);
  if (step.type !== "wait") return giveUp(engine, call, error, step);
  const until = world.clock.now() + step.ms;
  if (kind === "rateLimited" || retryAfterMs !== null) holdAll(engine, call, until);
  await wait(engine, call, until, message, signal);
}

/** Budget is reserved before a request and settled after it, whatever happens between. */
async function paidTry(
  engine: Engine,
  call: SizedCall,
  tries: number,
  signal: AbortSignal,
): Promise<LlmReply | "parked" | "short"> {
  const { states, world } = engine;
  const { id, attempt } = call.loop;
  const iteration = call.loop.iteration + 1;
  const { loop, model } = call;
  const turn = `${attempt}.${iteration}.${call.turn}.${tries}`;
  const allowance = await reserve(engine, { loop, turn, model, inputTokens: inputOf(call) });
  if (allowance === null) return "short";
  let usage = noUsage;
  try {
    // While the reservation went to disk, a person may have taken the lease, or another loop
    // may have parked the model.
    if (!holdsLease(loopOf(states.state, id), attempt)) throw lost("the loop has moved on");
    if (isParked(engine, call.model)) return "parked";
    const reply = await oneTry(engine, call, allowance, signal);
    usage = priced(reply.usage, call.model.price);
    return { ...reply, usage };
  } catch (error) {
    if (error instanceof LlmError && error.usage !== null) {
      usage = priced(error.usage, call.model.price);
    }
    throw error;
  } finally {
    await settle(engine, { loop, turn }, usage);
    world.watch({ type: "usage", loop: id, iteration, usage });
  }
}

function inputOf({ bytes }: Admittee): number {
  return tokensEstimated(bytes);
}

export function bytesOf({ system, messages, tools }: ModelCall["request"]): number {
  return new TextEncoder().encode(JSON.stringify([system, messages, tools])).length;
}

async function oneTry(
  { world }: Engine,
  { loop, model, request }: ModelCall,
  allowance: Allowance,
  signal: AbortSignal,
): Promise<LlmReply> {
  const { outputTokensMax } = allowance;
  const of = { loop: loop.id, iteration: loop.iteration + 1 };
  const startedAt = world.clock.now();
  let beganMs: number | null = null;
  const told = (outcome: "ok" | LlmErrorKind) => {
    const durationMs = world.clock.now() - startedAt;
    const name = `${model.provider}/${model.name}`;
    world.watch({ ...of, type: "call", model: name, outcome, beganMs, durationMs });
  };
  try {
    const asked = { ...request, model: model.name, outputTokensMax };
    const reply = await model.client.complete(asked, signal, (delta) => {
      beganMs ??= world.clock.now() - startedAt;
      if (delta.type === "text") world.watch({ ...of, type: "text", text: delta.text });
    });
    told("ok");
    return reply;
  } catch (error) {
    if (error instanceof LlmError) told(error.kind);
    throw error;
  }
}

type LastStep = Exclude<ReturnType<typeof afterFailure>, { type: "wait" }>;

async function giveUp(
  engine: Engine,
  { loop, model }: ModelCall,
  error: LlmError,
  step: LastStep,
): Promise<never> {
  const name = `${model.provider}/${model.name}`;
  if (step.type === "block") {
    const reason = `${model.provider} refuses the key (${error.message}): set a valid one and td restart, then td resume ${loop.id}`;
    throw new AttemptEnd({ type: "blocked", on: "key", reason, asked: [] });
  }
  if (step.type === "fail") {
    throw new AttemptEnd({
      type: "failed",
      reason: `${name} refuses the request: ${error.message}`,
    });
  }
  const until = engine.world.clock.now() + step.ms;
  const { provider } = model;
  const reason = error.message;
  await engine.states.submit({ type: "park", provider, model: model.name, until, reason });
  throw parked(engine, loop, name, reason, until);
}

/** The loop's own model, or its fallback while that one is parked beyond our patience. */
export function modelFor({ states, world, patience }: Engine, loop: Loop): string {
  const { escalated, settings } = loop;
  const { model, escalation, fallback } = settings;
  const own = escalated ? (escalation ?? model) : model;
  const untilOf = (name: string) => states.state.parked.get(name)?.until ?? 0;
  const now = world.clock.now();
  const isLong = untilOf(own) - now > patience.retryAfterMaxMs;
  return isLong && fallback !== null && untilOf(fallback) <= now ? fallback : own;
}

function isParked({ states, world }: Engine, { provider, name }: Model): boolean {
  const until = states.state.parked.get(`${provider}/${name}`)?.until ?? 0;
  return until > world.clock.now();
}

/** A parked model is waited for when it is soon, and given the slot back for when it is not. */
async function passParking(engine: Engine, { loop, model }: ModelCall, signal: AbortSignal) {
  const name = `${model.provider}/${model.name}`;
  const parking = engine.states.state.parked.get(name);
  const now = engine.world.clock.now();
  if (parking === undefined || parking.until <= now) return;
  if (parking.until - now > engine.patience.retryAfterMaxMs) {
    throw parked(engine, loop, name, parking.reason, parking.until);
  }
  await wait(engine, { loop }, parking.until, parking.reason, signal);
}

/** The loop comes back when the model does, or at once where another may stand in for it. */
function parked(
  engine: Engine,
  loop: Loop,
  name: string,
  reason: string,
  until: Millis,
): AttemptEnd {
  const limited = `${name} is limited (${reason})`;
  const during = duringCall(loop);
  if (modelFor(engine, loop) !== name) {
    const notBeforeAt = engine.world.clock.now();
    return new AttemptEnd({ type: "interrupted", during, reason: limited, notBeforeAt });
  }
  return new AttemptEnd({ type: "interrupted", during, reason: limited, notBeforeAt: until });
}

async function wait(
  engine: Engine,
  { loop }: Pick<ModelCall, "loop">,
  until: Millis,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  const { world } = engine;
  const iteration = loop.iteration + 1;
  world.watch({ type: "waiting", loop: loop.id, iteration, until, reason });
  await world.clock.sleepUntil(until, AbortSignal.any([signal, engine.drain]));
  endIfHalted(engine, { loop }, signal);
}

/** Nobody knows a price: then the cost is unknown, which is not zero. */
export function priced(usage: Usage, price: Price | null): Usage {
  if (price === null) return { ...usage, costUsd: null };
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
  const micro =
    inputTokens * price.input +
    outputTokens * price.output +
    cacheReadTokens * price.cacheRead +
    cacheWriteTokens * price.cacheWrite;
  return { ...usage, costUsd: micro / 1e6 };
}
