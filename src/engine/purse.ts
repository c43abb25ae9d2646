import {
  type Allowance,
  allow,
  type Lack,
  type Level,
  lackOf,
  leftIn,
  levelsOf,
} from "../core/budget.ts";
import { holdsLease } from "../core/decide.ts";
import { dayMs, dayOf, rootIdOf } from "../core/ledger.ts";
import type { Loop, LoopId, Millis, Usage } from "../core/loop.ts";
import { loopOf } from "../core/state.ts";
import type { Model } from "../ports/llm.ts";
import type { Clock } from "../ports.ts";
import { duringCall, endIfHalted } from "./admit.ts";
import { AttemptEnd, type Engine, lost } from "./engine.ts";
import type { StateManager } from "./state-manager.ts";

/** A call that is to be paid for. */
export interface Purchase {
  readonly loop: Loop;
  readonly turn: string;
  readonly model: Model;
  /** An upper estimate. */
  readonly inputTokens: number;
}

/** A loop that waited so long for what others hold gives its slot back, and looks again then. */
const lookAgainMs: Millis = 30_000;
/** Time ends the waiting; this ends it where time stands still. */
const looksMax = 100_000;

/** How long a call may still wait for money, and a change to wait for before the next look. */
export interface Patience {
  readonly leftMs: Millis;
  readonly after: Promise<void> | null;
}

/**
 * Waits until what a call needs could be reserved: before the provider's gate and not within it,
 * where who waits for money would keep out others that have it. Resolves to the patience that is
 * left; ends the attempt when there is none, and where a limit is spent.
 */
export async function awaitAllowance(
  engine: Engine,
  purchase: Omit<Purchase, "turn">,
  { leftMs, after }: Patience,
  signal: AbortSignal,
): Promise<Millis> {
  const { states, world } = engine;
  const { loop } = purchase;
  const until = world.clock.now() + leftMs;
  let change = after;
  let why = "its budget is in use";
  for (let looks = 0; looks < looksMax; looks += 1) {
    if (change !== null) {
      if (world.clock.now() >= until) break;
      if (looks === 1) tellOfWait(engine, loop, until, why);
      await changeOrTime(engine, change, until, AbortSignal.any([signal, engine.drain]));
      endIfHalted(engine, purchase, signal);
    }
    change = states.changes.next();
    const now = loopOf(states.state, loop.id);
    if (!holdsLease(now, loop.attempt)) throw lost("the loop has moved on");
    const found = look(engine, now, purchase);
    if (typeof found === "object") return Math.max(0, until - world.clock.now());
    why = found;
  }
  const notBeforeAt = world.clock.now() + lookAgainMs;
  const during = duringCall(loop);
  throw new AttemptEnd({ type: "interrupted", during, reason: why, notBeforeAt });
}

function tellOfWait({ world }: Engine, loop: Loop, until: Millis, reason: string): void {
  const iteration = loop.iteration + 1;
  world.watch({ type: "waiting", loop: loop.id, iteration, until, reason });
}

/**
 * Reserves the worst case of a call under every limit above its loop, durably. Null where others
 * were before it; ends the attempt where a limit is spent.
 */
export async function reserve(engine: Engine, purchase: Purchase): Promise<Allowance | null> {
  const { states } = engine;
  const { turn } = purchase;
  const { id, attempt } = purchase.loop;
  const now = loopOf(states.state, id);
  if (!holdsLease(now, attempt)) throw lost("the loop has moved on");
  const found = look(engine, now, purchase);
  if (typeof found === "string") return null;
  const { tokens, usd } = found;
  const dayUsd = engine.dayUsd();
  const decision = await states.submit({ type: "reserve", id, attempt, turn, tokens, usd, dayUsd });
  // Refused: another's reservation, or a person's word, is on its way to us.
  return decision.ok ? found : null;
}

/** What may be reserved now, or what it must wait for. */
function look(
  engine: Engine,
  loop: Loop,
  { model, inputTokens }: Omit<Purchase, "turn">,
): Allowance | string {
  const { states, world } = engine;
  const today = { now: world.clock.now(), dayUsd: engine.dayUsd() };
  const levels = levelsOf(states.state, loop, today);
  const { outputTokensMax, price } = model;
  const allowed = allow(leftIn(levels), inputTokens, outputTokensMax, price);
  if (typeof allowed === "object") return allowed;
  if (allowed === "price") throw blocked(unpriced(model));
  const lack = lackOf(levels, (left) => {
    return typeof allow(left, inputTokens, outputTokensMax, price) === "object";
  });
  if (lack === null) return "what a call needs is a little more than all limits leave together";
  if (lack.what === "held") return `${nameOf(lack.level, loop)} is reserved by calls under way`;
  const dayEndsAt = (dayOf(today.now) + 1) * dayMs;
  throw blocked(spent(lack, loop, dayEndsAt), goesOnBy(lack) ? dayEndsAt : null);
}

/** Only a day comes anew, and only where a whole one would be enough. */
function goesOnBy({ level, freshHelps }: Lack): boolean {
  return level.name === "day" && freshHelps;
}

function spent(lack: Lack, loop: Loop, dayEndsAt: Millis): string {
  const { level } = lack;
  const isLittle = !lack.freshHelps && level.spent === 0;
  const whole = isLittle ? "is less than one call" : "is spent but for too little to go on";
  const what = `${nameOf(level, loop)} ${whole}`;
  if (level.unit === "tokens") return `${what}: td resume ${loop.id} --budget-tokens N`;
  switch (level.name) {
    case "loop":
      return `${what}: td resume ${loop.id} with a higher --budget`;
    case "plan":
      return `${what}: td resume ${rootIdOf(loop)} with a higher --budget`;
    case "day": {
      const sooner = `raise budget.day-usd, then td resume ${loop.id}`;
      if (!goesOnBy(lack)) return `${what}: ${sooner}`;
      return `${what}: it goes on at ${new Date(dayEndsAt).toISOString()}; for sooner, ${sooner}`;
    }
    default:
      return level.name satisfies never;
  }
}

function nameOf({ name, unit, limit }: Level, loop: Loop): string {
  const amount = unit === "usd" ? dollars(limit) : `${limit} tokens`;
  if (name === "day") return `the day's budget of ${amount}`;
  return `the budget of ${amount}${name === "plan" ? ` of plan ${rootIdOf(loop)}` : ""}`;
}

/** In cents, or what is less than one without an exponent. */
function dollars(amount: number): string {
  return `$${amount >= 0.01 ? amount.toFixed(2) : amount.toFixed(12).replace(/0+$/, "")}`;
}

function unpriced({ provider, name }: Model): string {
  return `nobody knows the price of ${provider}/${name}, so a money limit cannot hold: set llm.prices in the user-level configuration, or lift the limit`;
}

function blocked(reason: string, until: Millis | null = null): AttemptEnd {
  const more = until === null ? {} : { until };
  return new AttemptEnd({ type: "blocked", on: "budget", reason, asked: [], ...more });
}

/** What a call really cost. Whoever watches hears of the warnings that are due by it. */
export async function settle(
  { states, world, dayUsd }: Engine,
  { loop, turn }: Pick<Purchase, "loop" | "turn">,
  usage: Usage,
): Promise<void> {
  const { id, attempt } = loop;
  const command = { type: "settle", id, attempt, turn, usage, dayUsd: dayUsd() } as const;
  const decision = await states.submit(command);
  if (!decision.ok) return;
  for (const event of decision.events) {
    if (event.type !== "budget.warned") continue;
    const { level, unit, spent: by, limit } = event.data;
    const name = nameOf({ name: level, unit, limit, spent: by, held: 0 }, loop);
    const text = `${Math.floor((100 * by) / limit)} % of ${name} is spent`;
    world.watch({ type: "note", loop: id, iteration: loop.iteration + 1, text });
  }
}

async function changeOrTime(
  { world }: Engine,
  change: Promise<void>,
  until: Millis,
  signal: AbortSignal,
): Promise<void> {
  const timer = new AbortController();
  const either = AbortSignal.any([signal, timer.signal]);
  await Promise.race([change, world.clock.sleepUntil(until, either)]);
  timer.abort();
}

/** A machine that sleeps, or a clock that is set, is late by no more than this. */
const greetEveryMs: Millis = 600_000;

/** What is blocked until the next day goes on with it. Ends when `signal` aborts. */
export async function greetDays(
  { states, clock }: { readonly states: StateManager; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const now = clock.now();
    for (const id of blockedUntil(states.state.loops.values(), now)) {
      await states.submit({ type: "resume", id, raise: {} });
    }
    await clock.sleepUntil(Math.min((dayOf(now) + 1) * dayMs, now + greetEveryMs), signal);
  }
}

function blockedUntil(loops: Iterable<Loop>, now: Millis): readonly LoopId[] {
  const due: LoopId[] = [];
  for (const { id, status, blockedUntil: until } of loops) {
    if (status === "blocked" && until !== null && until <= now) due.push(id);
  }
  return due;
}
