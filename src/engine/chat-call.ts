import { assert } from "../core/assert.ts";
import { tokensEstimated } from "../core/budget.ts";
import { chatAllowance } from "../core/chat-money.ts";
import type { LoopId, Millis } from "../core/loop.ts";
import { noUsage, type Usage } from "../core/loop.ts";
import { afterFailure } from "../core/retry.ts";
import type { ChatLack, ChatLive } from "../ports/chat.ts";
import { LlmError, type LlmReply, type LlmRequest, type Model } from "../ports/llm.ts";
import type { Ticket } from "./admission-gate.ts";
import { accounted, neverBegan } from "./admit.ts";
import type { Engine } from "./engine.ts";
import { waitText } from "./gates.ts";
import { bytesOf, priced } from "./model-call.ts";

/** Nothing more can be done for this message; the words say what a person can do. */
export class ChatRefusal extends Error {
  readonly lacks: ChatLack | null;

  constructor(message: string, lacks: ChatLack | null = null) {
    super(message);
    this.lacks = lacks;
  }
}

export interface ChatCall {
  /** Names the call for all time, but for its tries. */
  readonly key: string;
  readonly chat: string;
  /** When the person asked. */
  readonly since: Millis;
  readonly model: Model;
  readonly request: Omit<LlmRequest, "model" | "outputTokensMax">;
  readonly tell: (event: ChatLive) => void;
  /** What it cost, as soon as it is known, also of a call that broke. */
  readonly spend: (usage: Usage) => void;
}

/** A person waits: they would rather hear that it does not work. */
const triesMax = 3;
const replyTokensMax = 8_192;
/** Times that another's reservation may come between our look and our own. */
const racesMax = 5;

/** One call of the model for a person: through the provider's gates, paid for like any other. */
export async function callForPerson(
  engine: Engine,
  call: ChatCall,
  signal: AbortSignal,
): Promise<LlmReply> {
  const { patience } = engine;
  for (let tries = 1; ; ) {
    assert(tries <= triesMax, "afterFailure() ends the tries");
    await passParking(engine, call, signal);
    const tickets = await enterAll(engine, call, signal);
    try {
      return await accounted(tickets, () => paidTry(engine, call, tries, signal));
    } catch (error) {
      if (!(error instanceof LlmError) || error.kind === "aborted" || signal.aborted) throw error;
      const most = { ...patience, triesMax: Math.min(triesMax, patience.triesMax) };
      await afterError(engine, call, { error, kind: error.kind, tries, patience: most }, signal);
      tries += 1;
    }
  }
}

interface FailedTry {
  readonly error: LlmError;
  readonly kind: Parameters<typeof afterFailure>[0];
  readonly tries: number;
  readonly patience: Engine["patience"];
}

/** Returns when it is worth another try. */
async function afterError(
  engine: Engine,
  call: ChatCall,
  { error, kind, tries, patience }: FailedTry,
  signal: AbortSignal,
): Promise<void> {
  const { world, states } = engine;
  const { model, tell } = call;
  const { message, retryAfterMs } = error;
  const step = afterFailure(kind, retryAfterMs, tries, world.random.next(), patience);
  if (step.type === "block") {
    const remedy = "set a valid key and td restart";
    throw new ChatRefusal(`${model.provider} refuses the key (${message}): ${remedy}`, "key");
  }
  if (step.type === "fail") {
    throw new ChatRefusal(`${nameOf(model)} refuses the request: ${message}`);
  }
  const until = world.clock.now() + step.ms;
  if (step.type === "park") {
    const { provider, name } = model;
    await states.submit({ type: "park", provider, model: name, until, reason: message });
    throw new ChatRefusal(limitedText(model, message, until));
  }
  if (kind === "rateLimited" || retryAfterMs !== null) {
    for (const gate of engine.gatesOf(model.provider)) gate.hold(model.name, until);
  }
  tell({ type: "again", reason: message });
  await wait(engine, call, until, message, signal);
}

/** The worst case is reserved before a request and settled after it, whatever happens between. */
async function paidTry(
  engine: Engine,
  call: ChatCall,
  tries: number,
  signal: AbortSignal,
): Promise<LlmReply> {
  const { model, request, tell } = call;
  const turn = `${call.key}.${tries}`;
  const outputTokensMax = await reserve(engine, call, turn);
  let usage = noUsage;
  try {
    signal.throwIfAborted();
    const asked = { ...request, model: model.name, outputTokensMax };
    const reply = await model.client.complete(asked, signal, (delta) => {
      if (delta.type === "text") tell({ type: "text", text: delta.text });
    });
    usage = priced(reply.usage, model.price);
    return reply;
  } catch (error) {
    if (error instanceof LlmError && error.usage !== null) usage = priced(error.usage, model.price);
    throw error;
  } finally {
    await engine.states.submit({ type: "settleChat", turn, usage, model: nameOf(model) });
    call.spend(usage);
  }
}

/** Resolves to how long the reply may be. */
async function reserve(engine: Engine, call: ChatCall, turn: string): Promise<number> {
  const { states, world } = engine;
  const { model, request } = call;
  const { price } = model;
  const inputTokens = tokensEstimated(bytesOf(request));
  const size = { inputTokens, outputTokensMax: Math.min(model.outputTokensMax, replyTokensMax) };
  let why = "the day's budget is in use";
  for (let races = 0; races < racesMax; races += 1) {
    const dayUsd = engine.dayUsd();
    const today = { now: world.clock.now(), dayUsd };
    const allowed = chatAllowance(states.state, today, { ...size, price });
    if (allowed === "price") throw new ChatRefusal(unpriced(model), "budget");
    if (typeof allowed === "string") throw new ChatRefusal(allowed, "budget");
    const { tokens, usd, outputTokensMax } = allowed;
    const decision = await states.submit({ type: "reserveChat", turn, tokens, usd, dayUsd });
    if (decision.ok) return outputTokensMax;
    why = decision.reason;
  }
  throw new ChatRefusal(`${why}: try again`, "budget");
}

function unpriced(model: Model): string {
  return `nobody knows the price of ${nameOf(model)}, so the day's budget cannot hold: set llm.prices in the user-level taskdaemon.yml, or lift budget.day-usd`;
}

async function enterAll(
  engine: Engine,
  call: ChatCall,
  signal: AbortSignal,
): Promise<readonly Ticket[]> {
  const { world, patience } = engine;
  const { chat, since, model, request, tell } = call;
  const { name, outputTokensMax: modelMax } = model;
  const outputTokensMax = Math.min(modelMax, replyTokensMax);
  // It waits among loops, and is none.
  const loop = `chat ${chat}` as LoopId;
  const entry = { loop, priority: "high", since, model: name, bytes: bytesOf(request) } as const;
  const tickets: Ticket[] = [];
  try {
    for (const gate of engine.gatesOf(model.provider)) {
      const { limits } = gate;
      const patienceMs = patience.retryAfterMaxMs;
      const until = world.clock.now() + patienceMs;
      const answer = await gate.enter(
        { ...entry, outputTokensMax },
        patienceMs,
        (waits) => {
          const reason = waitText(waits, nameOf(model), limits);
          tell({ type: "waiting", until: waits.until ?? until, reason });
        },
        signal,
      );
      if (!answer.ok) {
        signal.throwIfAborted();
        throw new ChatRefusal(
          answer.aborted ? "stopped" : waitText(answer.wait, nameOf(model), limits),
        );
      }
      tickets.push(answer);
    }
    return tickets;
  } catch (error) {
    for (const ticket of tickets) ticket.end(neverBegan);
    throw error;
  }
}

/** A parked model is waited for when it is soon. */
async function passParking(engine: Engine, call: ChatCall, signal: AbortSignal): Promise<void> {
  const { states, world, patience } = engine;
  const { model } = call;
  const parking = states.state.parked.get(nameOf(model));
  const now = world.clock.now();
  if (parking === undefined || parking.until <= now) return;
  const { until, reason } = parking;
  if (until - now > patience.retryAfterMaxMs)
    throw new ChatRefusal(limitedText(model, reason, until));
  await wait(engine, call, until, reason, signal);
}

async function wait(
  { world }: Engine,
  { tell }: ChatCall,
  until: Millis,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  tell({ type: "waiting", until, reason });
  await world.clock.sleepUntil(until, signal);
  signal.throwIfAborted();
}

function limitedText(model: Model, reason: string, until: Millis): string {
  const at = new Date(until).toISOString();
  return `${nameOf(model)} is limited until ${at} (${reason}): try again then, or another by /model`;
}

function nameOf({ provider, name }: Model): string {
  return `${provider}/${name}`;
}
