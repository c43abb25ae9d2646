import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../sim/random.ts";
import {
  type Breaker,
  breakerLimits,
  type CallEnd,
  callEndOf,
  newBreaker,
  type Pass,
  pass,
  record,
} from "../../src/core/breaker.ts";
import { afterFailure } from "../../src/core/retry.ts";

const limits = { ...breakerLimits, samplesMin: 4, samplesMax: 6, probesMax: 2 };

function passed(breaker: Breaker, now: number) {
  const answer = pass(breaker, now, limits);
  if (!answer.ok) throw new Error(`closed until ${answer.until}`);
  return answer;
}

/** What is left of the breaker after such calls, one a millisecond. */
function lived(breaker: Breaker, from: number, ...ends: readonly CallEnd[]): Breaker {
  return ends.reduce((now, end, n) => {
    const answer = passed(now, from + n);
    return record(answer.breaker, answer.pass, end, { now: from + n, jitter: 0 }, limits);
  }, breaker);
}

const opened = lived(newBreaker(0), 0, "failure", "failure", "failure", "failure");

describe("closed", () => {
  test("opens at the ratio, given enough samples", () => {
    expect(lived(newBreaker(0), 0, "failure", "failure", "failure").state).toBe("closed");
    expect(lived(newBreaker(0), 0, "success", "success", "failure", "failure").state).toBe("open");
    const well = lived(newBreaker(0), 0, "success", "success", "success", "failure", "failure");
    expect(well.state).toBe("closed");
  });

  test("forgets what is older than its window", () => {
    const early = lived(newBreaker(0), 0, "failure", "failure", "failure");
    expect(lived(early, 9_000, "failure").state).toBe("open");
    expect(lived(early, 10_000, "failure").state).toBe("closed");
  });

  test("looks at the newest calls only, however many went well before", () => {
    const well = Array.from({ length: 50 }, (): CallEnd => "success");
    expect(lived(newBreaker(0), 0, ...well, "failure", "failure").state).toBe("closed");
    expect(lived(newBreaker(0), 0, ...well, "failure", "failure", "failure").state).toBe("open");
  });

  test("does not count what says nothing of the provider's health", () => {
    const ends = Array.from({ length: 20 }, (): CallEnd => "neutral");
    expect(lived(newBreaker(0), 0, ...ends)).toEqual(newBreaker(0));
    expect(["rateLimited", "aborted"].map((each) => callEndOf(each as "aborted"))).toEqual([
      "neutral",
      "neutral",
    ]);
    expect((["overloaded", "server", "network", "stalled"] as const).map(callEndOf)).toEqual(
      Array.from({ length: 4 }, () => "failure"),
    );
    expect([null, "auth", "invalid"].map((each) => callEndOf(each as "auth"))).toEqual(
      Array.from({ length: 3 }, () => "success"),
    );
  });
});

describe("open", () => {
  test("lets nothing through until its time", () => {
    expect(opened).toMatchObject({ state: "open", until: 1_003 });
    expect(pass(opened, 1_002, limits)).toEqual({ ok: false, until: 1_003 });
    expect(pass(opened, 1_003, limits).ok).toBe(true);
  });

  test("ignores calls that began before it", () => {
    const { breaker, pass: early } = passed(newBreaker(0), 0);
    const since = lived(breaker, 1, "failure", "failure", "failure", "failure");
    expect(record(since, early, "success", { now: 9, jitter: 0 }, limits)).toBe(since);
  });

  test("does not stay so for ever when the clock goes back", () => {
    const late = { ...opened, until: 1e9 } as Breaker;
    expect(pass(late, 0, limits).ok).toBe(true);
  });
});

describe("half-open", () => {
  const first = passed(opened, 1_003);
  const second = passed(first.breaker, 1_005);

  test("lets its probes through, and no more, until one is given up", () => {
    expect(pass(second.breaker, 1_006, limits)).toEqual({ ok: false, until: 31_003 });
    expect(pass(second.breaker, 31_003, limits).ok).toBe(true);
  });

  test("closes on a success", () => {
    const closed = record(second.breaker, first.pass, "success", { now: 2_000, jitter: 0 }, limits);
    expect(closed).toMatchObject({ state: "closed", samples: [] });
    expect(record(closed, second.pass, "failure", { now: 2_001, jitter: 0 }, limits)).toBe(closed);
  });

  test("lets another probe go when one said nothing", () => {
    const left = record(second.breaker, first.pass, "neutral", { now: 2_000, jitter: 0 }, limits);
    expect(pass(left, 2_001, limits).ok).toBe(true);
  });

  test("opens for longer with every failure, with jitter, up to a bound", () => {
    let breaker = opened;
    const pausesMs = Array.from({ length: 9 }, (_, n) => {
      const now = breaker.state === "open" ? breaker.until : 0;
      const answer = passed(breaker, now);
      const jitter = n % 2 === 0 ? 0 : 0.999;
      breaker = record(answer.breaker, answer.pass, "failure", { now, jitter }, limits);
      return breaker.state === "open" ? breaker.until - now : 0;
    });
    expect(pausesMs.slice(0, 4)).toEqual([2_000, 5_998, 8_000, 23_992]);
    expect(Math.max(...pausesMs)).toBeLessThanOrEqual(limits.openMsMax);
  });

  test("remembers its pauses if it fails again soon, and forgets them after a window", () => {
    const bad: CallEnd[] = ["failure", "failure", "failure", "failure"];
    const closed = lived(opened, 1_003, "success");
    expect(lived(closed, 2_000, ...bad)).toMatchObject({ state: "open", until: 4_003 });
    expect(lived(closed, 12_000, ...bad)).toMatchObject({ state: "open", until: 13_003 });
  });
});

const step = fc.record({
  afterMs: fc.nat(3_000),
  ends: fc.boolean(),
  end: fc.constantFrom<CallEnd>("success", "failure", "failure", "neutral"),
  jitter: fc.double({ min: 0, max: 0.99, noNaN: true }),
});

test("never more probes than allowed; who is refused may ask again; in the end a success closes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      let [breaker, now] = [newBreaker(0), 0];
      const under: Pass[] = [];
      for (const { afterMs, ends, end, jitter } of steps) {
        now += afterMs;
        const ended = ends ? under.shift() : undefined;
        if (ended !== undefined) breaker = record(breaker, ended, end, { now, jitter }, limits);
        breaker = asked(breaker, now, under);
      }
      const wait = pass(breaker, now, limits);
      const last = passed(breaker, wait.ok ? now : wait.until);
      const moment = { now: last.pass.at, jitter: 0 };
      expect(record(last.breaker, last.pass, "success", moment, limits).state).toBe("closed");
    }),
  );
});

function asked(breaker: Breaker, now: number, under: Pass[]): Breaker {
  const answer = pass(breaker, now, limits);
  if (!answer.ok) {
    expect(answer.until).toBeGreaterThan(now);
    return breaker;
  }
  under.push(answer.pass);
  const probes = answer.breaker.state === "halfOpen" ? answer.breaker.probes : [];
  expect(probes.length).toBeLessThanOrEqual(limits.probesMax);
  return answer.breaker;
}

const patience = { retryAfterMaxMs: 60_000, triesMax: 10 };
const concurrency = 10;

interface Caller {
  at: number;
  tries: number;
  state: "waits" | "calls" | "done" | "parked";
}

/**
 * 50 callers, ten at a time, each of which calls again and again until it has succeeded after the
 * outage; every failure waits as retry says. Counts what reaches the provider while it is down.
 */
class Outage {
  readonly callers = Array.from(
    { length: 50 },
    (): Caller => ({ at: 0, tries: 0, state: "waits" }),
  );
  seen = 0;
  now = 0;
  readonly #random: SeededRandom;
  readonly #from: number;
  readonly #withBreaker: boolean;
  #breaker = newBreaker(0);
  #calls: { at: number; isDown: boolean; caller: Caller; pass: Pass }[] = [];

  constructor(seed: number, from: number, { withBreaker }: { withBreaker: boolean }) {
    this.#random = new SeededRandom(seed);
    this.#from = from;
    this.#withBreaker = withBreaker;
  }

  run(): this {
    const isOpen = ({ state }: Caller) => state === "waits" || state === "calls";
    for (; this.callers.some(isOpen) && this.now < 300_000; this.now += 5) {
      const ended = this.#calls.filter(({ at }) => at <= this.now);
      this.#calls = this.#calls.filter(({ at }) => at > this.now);
      for (const call of ended) this.#end(call);
      for (const caller of this.callers) {
        if (caller.state === "waits" && caller.at <= this.now) this.#begin(caller);
      }
    }
    return this;
  }

  #begin(caller: Caller): void {
    const { now } = this;
    if (this.#calls.length >= concurrency) return;
    const answer = pass(this.#breaker, now, breakerLimits);
    if (!answer.ok) return;
    this.#breaker = answer.breaker;
    const isDown = now >= this.#from && now < this.#from + 3_000;
    if (isDown) this.seen += 1;
    const tookMs = isDown ? this.#random.between(20, 80) : this.#random.between(200, 800);
    this.#calls.push({ at: now + tookMs, isDown, caller, pass: answer.pass });
    caller.state = "calls";
  }

  #end({ caller, isDown, pass: passOf }: { isDown: boolean; caller: Caller; pass: Pass }): void {
    const { now } = this;
    const end = callEndOf(isDown ? "overloaded" : null);
    const moment = { now, jitter: this.#random.next() };
    if (this.#withBreaker)
      this.#breaker = record(this.#breaker, passOf, end, moment, breakerLimits);
    caller.at = now;
    caller.tries = isDown ? caller.tries + 1 : 0;
    caller.state = !isDown && now >= this.#from + 3_000 ? "done" : "waits";
    if (!isDown) return;
    const step = afterFailure("overloaded", null, caller.tries, this.#random.next(), patience);
    if (step.type === "wait") caller.at += step.ms;
    else caller.state = "parked";
  }
}

describe.each([1, 2, 3, 4, 5])("an outage of 3 s with 50 callers, seed %i", (seed) => {
  test.each([0, 4_000])("that begins at %i ms is seen by few, and outlived by all", (from) => {
    const { seen, callers, now } = new Outage(seed, from, { withBreaker: true }).run();
    expect(seen).toBeLessThanOrEqual(60);
    expect(callers.filter(({ state }) => state !== "done")).toEqual([]);
    expect(now).toBeLessThanOrEqual(from + 15_000);
  });

  test("without a breaker is hammered, so the bound above says something", () => {
    expect(new Outage(seed, 0, { withBreaker: false }).run().seen).toBeGreaterThan(60);
  });
});
