import type { Event, Transaction } from "../../core/events.ts";
import {
  isSettled,
  type Loop,
  type LoopId,
  type Millis,
  noUsage,
  type Usage,
} from "../../core/loop.ts";
import type { State } from "../../core/state.ts";
import type { LiveEvent } from "../../ports.ts";
import { BoundedLabel } from "./bounded-label.ts";
import { createInstruments, type Instruments, type Told } from "./instruments.ts";
import { numbersOfPlans } from "./plan-numbers.ts";

export interface MetricsOptions {
  readonly version: string;
  readonly startedAt: Millis;
  /** A model may call a tool by any name; what is not in here is counted as "other". */
  readonly toolNames: readonly string[];
  readonly state: State;
}

/** What is looked up when somebody asks, and not counted as it goes by. */
export interface Reading {
  readonly now: Millis;
  readonly state: State;
  readonly storeEvents: number;
  readonly storeBytes: number;
  readonly auditRecords: number;
  readonly eventLoopLagMs: number;
  readonly residentBytes: number;
}

/** What a running attempt has under way. */
interface Work {
  readonly startedAt: Millis;
  iterationAt: Millis;
  model: string;
  /** Tokens and dollars of calls in flight: charged in full when the attempt ends first. */
  readonly reserved: Map<string, { readonly tokens: number; readonly usd: number | null }>;
}

const typesMax = 20;
const modelsMax = 50;
/** Of a person's talk with a model, which is of no loop. */
const chatType = "chat";

/**
 * Counts durable events and what goes by. What a loop keeps (tokens, cost, iterations, its end) is
 * counted from the state at the start, so that it survives a restart, under the loop's own model;
 * all else, chats too, begins at zero, as Prometheus expects. No label has a value that a model or a
 * repository makes up.
 */
export class Metrics {
  readonly #on: Instruments = createInstruments();
  readonly #types = new BoundedLabel(typesMax);
  readonly #models = new BoundedLabel(modelsMax);
  readonly #tools: ReadonlySet<string>;
  /** Since when a pending loop could have started. */
  readonly #readyAt = new Map<LoopId, Millis>();
  readonly #work = new Map<LoopId, Work>();

  constructor({ version, startedAt, toolNames, state }: MetricsOptions) {
    this.#tools = new Set(toolNames);
    this.#on.info.set({ version }, 1);
    this.#on.startTime.set(startedAt / 1_000);
    for (const loop of state.loops.values()) this.#countKept(loop, startedAt);
  }

  /** `state` is what the transaction led to. */
  count({ events, at }: Transaction, state: State): void {
    for (const event of events) {
      this.#on.events.inc({ event: event.type });
      const loop = event.loop === null ? undefined : state.loops.get(event.loop);
      if (loop !== undefined) this.#countOf(event, loop, at);
      else if (event.type === "chat.settled") {
        const { model = "unknown", usage } = event.data;
        this.#spend(chatType, this.#models.of(model), usage);
      }
    }
  }

  see(event: LiveEvent): void {
    if (event.type === "toolDone") {
      const tool = this.#tools.has(event.name) ? event.name : "other";
      this.#on.toolCalls.inc({ tool, result: event.isError ? "error" : "ok" });
      this.#on.tool.observe({ tool }, event.durationMs / 1_000);
    }
    if (event.type === "call") {
      const model = this.#models.of(event.model);
      this.#on.api.observe({ model, outcome: event.outcome }, event.durationMs / 1_000);
      if (event.beganMs !== null) this.#on.apiBegan.observe({ model }, event.beganMs / 1_000);
      if (event.outcome !== "ok") this.#on.apiErrors.inc({ model, kind: event.outcome });
    }
  }

  /** Prometheus' text format, and its content type. */
  async text(reading: Reading): Promise<{ readonly text: string; readonly contentType: string }> {
    this.#read(reading);
    return { text: await this.#on.text(), contentType: this.#on.contentType };
  }

  async told(reading: Reading): Promise<readonly Told[]> {
    this.#read(reading);
    return this.#on.told();
  }

  #countKept(loop: Loop, now: Millis): void {
    const type = this.#types.of(loop.type);
    const model = this.#models.of(loop.settings.model);
    this.#on.loopsCreated.inc({ type });
    if (isSettled(loop)) this.#on.loopsEnded.inc({ type, status: loop.status });
    if (loop.iteration > 0) this.#on.iterations.inc({ type, model }, loop.iteration);
    this.#spend(type, model, loop.usage);
    if (loop.status === "pending") this.#readyAt.set(loop.id, Math.max(now, loop.notBeforeAt));
  }

  #countOf(event: Event, loop: Loop, at: Millis): void {
    const type = this.#types.of(loop.type);
    switch (event.type) {
      case "loop.created":
        this.#on.loopsCreated.inc({ type });
        if (event.data.status === "pending") this.#readyAt.set(loop.id, at);
        break;
      case "loop.status":
        this.#readyAt.delete(loop.id);
        if (event.data.to === "pending") {
          this.#readyAt.set(loop.id, Math.max(at, event.data.notBeforeAt ?? 0));
        }
        if (isSettled({ ...loop, status: event.data.to })) {
          this.#on.loopsEnded.inc({ type, status: event.data.to });
        }
        break;
      case "loop.prepared":
        if (event.data.baseline !== null) this.#validated(type, "baseline", event.data.baseline);
        break;
      default:
        this.#countWork(event, loop, at);
    }
  }

  #countWork(event: Event, loop: Loop, at: Millis): void {
    const work = this.#work.get(loop.id);
    switch (event.type) {
      case "attempt.started":
        this.#started(loop, event.data.attempt, at);
        break;
      case "attempt.ended":
        if (work !== undefined) this.#ended(loop, work, event.data, at);
        break;
      case "iteration.started":
        if (work !== undefined) Object.assign(work, { iterationAt: at, model: event.data.model });
        break;
      case "iteration.finished":
        this.#judged(loop, event.data.verdict, at);
        break;
      case "budget.reserved":
        work?.reserved.set(event.data.turn, event.data);
        break;
      case "budget.settled":
        work?.reserved.delete(event.data.turn);
        this.#spend(this.#types.of(loop.type), this.#modelOf(loop), event.data.usage);
        break;
      default:
    }
  }

  #started(loop: Loop, attempt: number, at: Millis): void {
    const type = this.#types.of(loop.type);
    const readyAt = this.#readyAt.get(loop.id);
    this.#readyAt.delete(loop.id);
    this.#on.attempts.inc({ type });
    if (attempt > 1) this.#on.restarts.inc({ type });
    if (readyAt !== undefined) {
      const { priority } = loop;
      this.#on.queueWait.observe({ type, priority }, Math.max(0, at - readyAt) / 1_000);
    }
    const { model } = loop.settings;
    this.#work.set(loop.id, { startedAt: at, iterationAt: at, model, reserved: new Map() });
  }

  #ended(
    loop: Loop,
    work: Work,
    { interruptedAt, erred }: { readonly interruptedAt: string | null; readonly erred: boolean },
    at: Millis,
  ): void {
    const type = this.#types.of(loop.type);
    const how = erred ? "erred" : interruptedAt === null ? "done" : "interrupted";
    this.#on.attemptsEnded.inc({ type, how });
    this.#on.attempt.observe({ type, how }, (at - work.startedAt) / 1_000);
    for (const { tokens, usd } of work.reserved.values()) {
      this.#spend(type, this.#modelOf(loop), { ...noUsage, outputTokens: tokens, costUsd: usd });
    }
    this.#work.delete(loop.id);
  }

  #judged(loop: Loop, verdict: NonNullable<Loop["verdict"]>, at: Millis): void {
    const type = this.#types.of(loop.type);
    const model = this.#modelOf(loop);
    const work = this.#work.get(loop.id);
    const result = verdict.passed ? "passed" : "failed";
    this.#on.iterations.inc({ type, model });
    this.#on.verdicts.inc({ type, result });
    this.#validated(type, result, verdict);
    if (work === undefined) return;
    this.#on.iteration.observe({ type, model }, (at - work.iterationAt) / 1_000);
  }

  #validated(type: string, result: string, { durationMs }: { readonly durationMs: number }): void {
    this.#on.validation.observe({ type, result }, durationMs / 1_000);
  }

  #spend(type: string, model: string, usage: Usage): void {
    const labels = { type, model };
    const add = (kind: string, tokens: number) => {
      if (tokens > 0) this.#on.tokens.inc({ type, model, kind }, tokens);
    };
    add("input", usage.inputTokens);
    add("output", usage.outputTokens);
    add("cache_read", usage.cacheReadTokens);
    add("cache_write", usage.cacheWriteTokens);
    if (usage.requests > 0) this.#on.requests.inc(labels, usage.requests);
    if (usage.costUsd === null) this.#on.unpriced.inc(labels, Math.max(1, usage.requests));
    else if (usage.costUsd > 0) this.#on.costUsd.inc(labels, usage.costUsd);
  }

  wrote(seconds: number): void {
    this.#on.storeWrite.observe(seconds);
  }

  /** Of the iteration under way: a loop may work with more than one. */
  #modelOf(loop: Loop): string {
    return this.#models.of(this.#work.get(loop.id)?.model ?? loop.settings.model);
  }

  #readPlans({ state, now }: Reading): void {
    const { planCostUsd, planTokens, planIterations, planAttempts } = this.#on;
    const { planSeconds, planSuccess, planLoops } = this.#on;
    const ofLoops = [planCostUsd, planTokens, planIterations, planAttempts];
    for (const each of [...ofLoops, planSeconds, planSuccess, planLoops]) each.reset();
    for (const one of numbersOfPlans(state, now)) {
      const { plan } = one;
      planCostUsd.set({ plan }, one.costUsd);
      planTokens.set({ plan }, one.tokens);
      planIterations.set({ plan }, one.iterations);
      planAttempts.set({ plan }, one.attempts);
      planSeconds.set({ plan }, one.seconds);
      if (one.successRatio !== null) planSuccess.set({ plan }, one.successRatio);
      for (const [status, count] of Object.entries(one.loops)) {
        planLoops.set({ plan, status }, count);
      }
    }
  }

  #read(reading: Reading): void {
    const { state, storeEvents, storeBytes, eventLoopLagMs, residentBytes } = reading;
    const { loops, successRatio } = this.#on;
    loops.reset();
    successRatio.reset();
    const ended = new Map<string, { complete: number; all: number }>();
    for (const loop of state.loops.values()) {
      const type = this.#types.of(loop.type);
      loops.inc({ type, status: loop.status });
      if (!isSettled(loop)) continue;
      const { complete, all } = ended.get(type) ?? { complete: 0, all: 0 };
      const more = loop.status === "complete" ? 1 : 0;
      ended.set(type, { complete: complete + more, all: all + 1 });
    }
    for (const [type, { complete, all }] of ended) successRatio.set({ type }, complete / all);
    this.#readPlans(reading);
    this.#on.storeEvents.set(storeEvents);
    this.#on.storeBytes.set(storeBytes);
    this.#on.auditRecords.set(reading.auditRecords);
    this.#on.eventLoopLag.set(eventLoopLagMs / 1_000);
    this.#on.residentMemory.set(residentBytes);
  }
}
