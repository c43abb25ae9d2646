import {
  type Admission,
  type Because,
  type Caller,
  type Corrections,
  correct,
  enqueue,
  heldAt,
  hold,
  nextWaiter,
  noAdmission,
  type RateLimits,
  type Reservation,
  release,
  reserve,
  settle,
} from "../core/admission.ts";
import { assert } from "../core/assert.ts";
import {
  type Breaker,
  type BreakerLimits,
  type CallEnd,
  newBreaker,
  type Pass,
  pass,
  record,
} from "../core/breaker.ts";
import {
  type Expectation,
  expect,
  firstExpectation,
  learn,
  plausible,
} from "../core/expectation.ts";
import type { LoopId, Millis, Priority } from "../core/loop.ts";
import type { Clock, Random } from "../ports.ts";

/** Who asks, and for what. */
export interface Entry {
  readonly loop: LoopId;
  readonly priority: Priority;
  /** Since when its conversation goes on: who began first ends first, so that few are under way. */
  readonly since: Millis;
  readonly model: string;
  /** Of the request. */
  readonly bytes: number;
  readonly outputTokensMax: number;
}

/** What became of a call. Null amounts: it never reached the provider. */
export interface CallReport {
  readonly health: CallEnd;
  readonly real: { readonly inputTokens: number; readonly outputTokens: number } | null | "unknown";
  readonly told: Corrections | null;
}

/** A call may begin. `end` must follow, once, whatever becomes of it. */
export interface Ticket {
  readonly ok: true;
  end(report: CallReport): void;
}

export interface Wait {
  readonly because: Because | "failing" | "full";
  /** When it may go on; null when only the end of another call can help. */
  readonly until: Millis | null;
}

/** It left the queue: aborted, or out of patience with what it last waited for. */
export type Left =
  | { readonly ok: false; readonly aborted: true }
  | { readonly ok: false; readonly aborted: false; readonly wait: Wait };

interface Waiter extends Caller {
  readonly entry: Entry;
  /** When its patience ends. */
  readonly leavesAt: Millis;
  readonly answer: (answer: Ticket | Left) => void;
}

export interface GateOutside {
  readonly clock: Clock;
  readonly random: Random;
}

/** More than loops can run: a queue without a bound is a leak. */
const waitersMax = 20_000;

/**
 * The door to one provider, for all loops of the process: concurrency, rates and the breaker are
 * its own, and what waits. It decides by core/admission and core/breaker, and owns one alarm.
 */
export class AdmissionGate {
  readonly #outside: GateOutside;
  readonly provider: string;
  #limits: RateLimits;
  readonly #breakerLimits: BreakerLimits;
  #admission: Admission = noAdmission;
  #breaker: Breaker;
  #expectations = new Map<string, Expectation>();
  #waiters: readonly Waiter[] = [];
  #alarm: { readonly at: Millis; readonly off: AbortController } | null = null;

  constructor(
    outside: GateOutside,
    provider: string,
    limits: RateLimits,
    breakerLimits: BreakerLimits,
  ) {
    this.#outside = outside;
    this.provider = provider;
    this.#limits = limits;
    this.#breakerLimits = breakerLimits;
    this.#breaker = newBreaker(outside.clock.now());
  }

  /**
   * Waits for a ticket, for `patienceMs` at most; `onWait` is called when it must wait at all.
   * An abort ends the wait at once.
   */
  async enter(
    entry: Entry,
    patienceMs: Millis,
    onWait: (wait: Wait) => void,
    signal: AbortSignal,
  ): Promise<Ticket | Left> {
    if (signal.aborted) return { ok: false, aborted: true };
    const { promise, resolve } = Promise.withResolvers<Ticket | Left>();
    const leavesAt = this.#outside.clock.now() + patienceMs;
    const { loop: key, priority, since } = entry;
    const waiter = {
      ...{ key, priority, since, want: this.#want(entry) },
      ...{ entry, leavesAt, answer: resolve },
    };
    const queue = enqueue(this.#waiters, waiter, waitersMax);
    if (queue === "full")
      return { ok: false, aborted: false, wait: { because: "full", until: null } };
    this.#waiters = queue as readonly Waiter[];
    this.#serve();
    if (this.#waiters.includes(waiter)) onWait(this.#waitOf(waiter));
    const leave = () => this.#leave(waiter, { ok: false, aborted: true });
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  get limits(): RateLimits {
    return this.#limits;
  }

  /** Other limits from now on; what is under way, was used up or was told stays as it is. */
  allow(limits: RateLimits): void {
    this.#limits = limits;
    this.#serve();
  }

  /** The provider asked for a pause of this model. */
  hold(model: string, until: Millis): void {
    this.#admission = hold(this.#admission, model, until, this.#outside.clock.now());
    this.#serve();
  }

  /** What a loop waits for here, if it does. */
  waitOf(loop: LoopId): { readonly wait: Wait; readonly model: string } | null {
    const waiter = this.#waiters.find(({ key }) => key === loop);
    if (waiter === undefined) return null;
    return { wait: this.#waitOf(waiter), model: waiter.entry.model };
  }

  /** Models for which the provider asked for a pause, and until when. */
  get held(): readonly (readonly [string, Millis])[] {
    return heldAt(this.#admission, this.#outside.clock.now());
  }

  get inFlight(): number {
    return this.#admission.inFlight;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  #want({ model, bytes, outputTokensMax }: Entry): Reservation {
    const known = this.#expectations.get(model) ?? firstExpectation;
    return { model, ...expect(known, bytes, outputTokensMax) };
  }

  /** Lets in whoever may go, sends away whoever has no patience left, and sets the alarm. */
  #serve(): void {
    const now = this.#outside.clock.now();
    let wakeAt = this.#serveOne(now);
    while (wakeAt === "served") wakeAt = this.#serveOne(now);
    this.#rest(now, wakeAt);
  }

  /** Nothing is taken of the breaker unless somebody goes: a probe that nobody makes is none. */
  #serveOne(now: Millis): "served" | Millis | null {
    const passing = pass(this.#breaker, now, this.#breakerLimits);
    if (!passing.ok) return passing.until;
    const next = nextWaiter(this.#waiters, this.#admission, now, this.#limits);
    if (!next.ok) return next.waitMs === null ? null : now + next.waitMs;
    this.#breaker = passing.breaker;
    this.#admission = next.state;
    const waiter = next.caller as Waiter;
    this.#leave(waiter, this.#ticket(waiter, passing.pass));
    return "served";
  }

  #rest(now: Millis, wakeAt: Millis | null): void {
    for (const waiter of this.#waiters.filter(({ leavesAt }) => leavesAt <= now)) {
      this.#leave(waiter, { ok: false, aborted: false, wait: this.#waitOf(waiter) });
    }
    const leaving = this.#waiters.map(({ leavesAt }) => leavesAt);
    const times = wakeAt === null ? leaving : [...leaving, wakeAt];
    this.#setAlarm(this.#waiters.length === 0 ? null : Math.min(...times));
  }

  #leave(waiter: Waiter, answer: Ticket | Left): void {
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
    waiter.answer(answer);
    if (this.#waiters.length === 0) this.#setAlarm(null);
  }

  #ticket({ entry, want }: Waiter, passed: Pass): Ticket {
    let isOpen = true;
    const end = (report: CallReport) => {
      assert(isOpen, "a call ends once");
      isOpen = false;
      this.#end(entry, want, passed, report);
    };
    return { ok: true, end };
  }

  #end(entry: Entry, want: Reservation, passed: Pass, { health, real, told }: CallReport): void {
    const { clock, random } = this.#outside;
    const now = clock.now();
    if (real === null) this.#admission = release(this.#admission, want, now, this.#limits);
    else
      this.#admission = settle(
        this.#admission,
        want,
        this.#amounts(entry, want, real),
        now,
        this.#limits,
      );
    if (told !== null) {
      this.#admission = correct(this.#admission, entry.model, told, now, this.#limits);
    }
    const moment = { now, jitter: random.next() };
    this.#breaker = record(this.#breaker, passed, health, moment, this.#breakerLimits);
    this.#serve();
  }

  /** Of what a broken call took nobody tells: what was foreseen is as good a guess as any. */
  #amounts({ model, bytes }: Entry, want: Reservation, real: Exclude<CallReport["real"], null>) {
    if (real === "unknown") return want;
    const amounts = {
      requests: 1,
      inputTokens: plausible(real.inputTokens),
      outputTokens: plausible(real.outputTokens),
    };
    const isReply = amounts.inputTokens + amounts.outputTokens > 0;
    const known = this.#expectations.get(model) ?? firstExpectation;
    if (isReply) this.#expectations.set(model, learn(known, bytes, amounts));
    return amounts;
  }

  #waitOf({ want }: Waiter): Wait {
    const now = this.#outside.clock.now();
    const passing = pass(this.#breaker, now, this.#breakerLimits);
    if (!passing.ok) return { because: "failing", until: passing.until };
    const answer = reserve(this.#admission, want, now, this.#limits);
    // It could go, and others go first.
    if (answer.ok) return { because: "requests", until: now };
    const { because, waitMs } = answer;
    return { because, until: waitMs === null ? null : now + waitMs };
  }

  #setAlarm(at: Millis | null): void {
    if (this.#alarm !== null) {
      if (at === this.#alarm.at) return;
      this.#alarm.off.abort();
      this.#alarm = null;
    }
    if (at === null) return;
    const off = new AbortController();
    this.#alarm = { at, off };
    const ring = () => {
      if (off.signal.aborted) return;
      this.#alarm = null;
      this.#serve();
    };
    void this.#outside.clock.sleepUntil(at, off.signal).then(ring);
  }
}
