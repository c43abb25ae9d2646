import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../sim/random.ts";
import {
  type Admission,
  type Amounts,
  type Caller,
  correct,
  enqueue,
  hold,
  nextWaiter,
  noAdmission,
  type RateLimits,
  type Reservation,
  release,
  reserve,
  settle,
} from "../../src/core/admission.ts";
import type { Priority } from "../../src/core/loop.ts";

const none = { requests: null, inputTokens: null, outputTokens: null };

/** A second stands for a minute. */
function limited(perPeriod: Partial<RateLimits["perPeriod"]>, concurrency: number | null = null) {
  return { concurrency, perPeriod: { ...none, ...perPeriod }, periodMs: 1_000 };
}

function call(more: Partial<Reservation> = {}): Reservation {
  return { model: "small", requests: 1, inputTokens: 0, outputTokens: 0, ...more };
}

/** Makes as many calls at once as are allowed. */
function burstOf(state: Admission, want: Reservation, now: number, limits: RateLimits) {
  let after = state;
  for (let count = 0; count < 1_000; count += 1) {
    const answer = reserve(after, want, now, limits);
    if (!answer.ok) return { count, state: after, refusal: answer };
    after = answer.state;
  }
  throw new Error("no end to it");
}

describe("a bucket", () => {
  test("lets a small burst through at first, then as much as flows in", () => {
    const limits = limited({ requests: 100 });
    const first = burstOf(noAdmission, call(), 0, limits);
    expect(first.count).toBe(2);
    expect(first.refusal).toEqual({ ok: false, waitMs: 11, because: "requests" });
    expect(burstOf(first.state, call(), 11, limits).count).toBe(1);
    expect(burstOf(first.state, call(), 60_000, limits).count).toBe(2);
  });

  test("lets single calls through however small its limit", () => {
    const limits = limited({ requests: 2 });
    const { count, refusal } = burstOf(noAdmission, call(), 0, limits);
    expect([count, refusal.waitMs]).toEqual([1, 500]);
  });

  test("lets a call larger than itself go when it is full, and is in debt for it", () => {
    const limits = limited({ inputTokens: 1_000 });
    const { count, refusal } = burstOf(noAdmission, call({ inputTokens: 500 }), 0, limits);
    expect(count).toBe(1);
    expect(refusal).toEqual({ ok: false, waitMs: 500, because: "inputTokens" });
  });

  test("names the limit that takes longest", () => {
    const limits = limited({ requests: 10, inputTokens: 1_000, outputTokens: 100 });
    const want = call({ inputTokens: 100, outputTokens: 50 });
    const { refusal } = burstOf(noAdmission, want, 0, limits);
    expect(refusal).toEqual({ ok: false, waitMs: 500, because: "outputTokens" });
  });

  test("is the model's own", () => {
    const limits = limited({ requests: 10 });
    const { state } = burstOf(noAdmission, call(), 0, limits);
    expect(reserve(state, call({ model: "big" }), 0, limits).ok).toBe(true);
  });

  test("stands still while the clock goes back", () => {
    const limits = limited({ requests: 10 });
    const { state } = burstOf(noAdmission, call(), 5_000, limits);
    const { refusal, state: later } = burstOf(state, call(), 0, limits);
    expect(refusal.waitMs).toBe(92);
    expect(later).toEqual(state);
  });

  test("follows a configuration that was changed", () => {
    const { state } = burstOf(noAdmission, call(), 0, limited({ requests: 10 }));
    expect(reserve(state, call(), 10, limited({ requests: 100 })).ok).toBe(true);
    expect(reserve(state, call(), 10, limited({})).ok).toBe(true);
  });
});

describe("a call that ends", () => {
  const limits = limited({ inputTokens: 1_000 }, 2);
  const want = call({ inputTokens: 400 });
  const begun = burstOf(noAdmission, want, 0, limits).state;
  const waitMsAfter = (state: Admission) => {
    const answer = reserve(state, call({ inputTokens: 25 }), 0, limits);
    return answer.ok ? 0 : answer.waitMs;
  };

  test("gives back what it did not take, and owes what it took beyond", () => {
    const real = (inputTokens: number): Amounts => ({ requests: 1, inputTokens, outputTokens: 0 });
    const ends = [400, 100, 600, 0].map((tokens) => settle(begun, want, real(tokens), 0, limits));
    expect(ends.map(waitMsAfter)).toEqual([398, 92, 603, 0]);
  });

  test("that never began gives everything back", () => {
    const fresh = settle(begun, want, call(), 10_000, limits);
    expect(waitMsAfter(release(begun, want, 0, limits))).toBe(0);
    expect(release(begun, want, 10_000, limits)).toEqual(fresh);
  });

  test("makes room for another, which time alone does not", () => {
    const narrow = limited({}, 1);
    const { state, refusal } = burstOf(noAdmission, call(), 0, narrow);
    expect(refusal).toEqual({ ok: false, waitMs: null, because: "concurrency" });
    expect(reserve(state, call({ model: "big" }), 9e9, narrow).ok).toBe(false);
    expect(reserve(settle(state, call(), call(), 0, narrow), call(), 0, narrow).ok).toBe(true);
  });
});

describe("what a provider says", () => {
  const limits = limited({ requests: 100 });
  const said = (limit: number | null, remaining: number, resetAt: number | null = null) => ({
    requests: { limit, remaining, resetAt },
  });

  test("lowers a limit, and lifts it again, but not above configuration", () => {
    const lowered = correct(noAdmission, "small", said(10, 10), 0, limits);
    expect(burstOf(lowered, call(), 0, limits).refusal.waitMs).toBe(92);
    const lifted = correct(lowered, "small", said(1_000, 1_000), 0, limits);
    expect(burstOf(lifted, call(), 2_000, limits)).toMatchObject({
      count: 2,
      refusal: { waitMs: 11 },
    });
  });

  test("limits where configuration does not", () => {
    const told = correct(noAdmission, "small", said(10, 9), 0, limited({}));
    expect(burstOf(told, call(), 0, limited({}))).toMatchObject({
      count: 9,
      refusal: { waitMs: 103, because: "requests" },
    });
    const later = burstOf(told, call(), 60_000, limited({}));
    expect(later.count).toBe(10);
    const untold = correct(noAdmission, "small", said(null, 9), 0, limited({}));
    expect(reserve(untold, call(), 0, limited({})).ok).toBe(true);
  });

  test("with nothing remaining holds until the next has flowed in", () => {
    const heldMs = (requests: ReturnType<typeof said>) =>
      burstOf(correct(noAdmission, "small", requests, 0, limits), call(), 0, limits).refusal.waitMs;
    expect(heldMs(said(100, 0, 60_000))).toBe(11);
    expect(heldMs({ requests: { limit: 20, remaining: 0, resetAt: null } })).toBe(52);
  });

  test("of a time that is over counts for nothing", () => {
    const late = correct(noAdmission, "small", said(100, 0, 1_000), 1_000, limits);
    expect(burstOf(late, call(), 1_000, limits).count).toBe(2);
  });

  test("in words holds a model until its time, however full its buckets", () => {
    const held = hold(noAdmission, "small", 5_000, 1_000);
    expect(reserve(held, call(), 1_000, limits)).toEqual({
      ok: false,
      waitMs: 4_000,
      because: "told",
    });
    expect(reserve(held, call({ model: "big" }), 1_000, limits).ok).toBe(true);
    expect(reserve(held, call(), 5_000, limits).ok).toBe(true);
    expect(reserve(held, call(), 999, limits).ok).toBe(true);
    expect(hold(held, "small", 3_000, 2_000)).toBe(held);
    expect(hold(noAdmission, "small", 1_000, 1_000)).toBe(noAdmission);
  });

  test("never makes more possible", () => {
    const anySaid = fc.record({
      limit: fc.option(fc.integer({ min: 0, max: 1_000 })),
      remaining: fc.nat(1_000),
      resetAt: fc.nat(5_000),
    });
    fc.assert(
      fc.property(anySaid, fc.nat(3_000), fc.nat(3_000), (requests, at, later) => {
        const { state } = burstOf(noAdmission, call(), 0, limits);
        const corrected = correct(state, "small", { requests }, at, limits);
        const now = at + later;
        const [with_, without] = [corrected, state].map((each) =>
          burstOf(each, call(), now, limits),
        );
        expect(with_?.count).toBeLessThanOrEqual(without?.count ?? 0);
      }),
    );
  });
});

describe("who waits", () => {
  const caller = (
    key: string,
    priority: Priority = "normal",
    more: Partial<Caller> = {},
  ): Caller => ({
    key,
    priority,
    since: 0,
    want: call(),
    ...more,
  });
  const free = limited({});
  const nextOf = (callers: readonly Caller[], now = 0) => {
    const next = nextWaiter(callers, noAdmission, now, free);
    return next.ok ? next.caller.key : next.waitMs;
  };

  test("goes by priority, then in the order of arrival", () => {
    expect(nextOf([caller("a"), caller("b")])).toBe("a");
    expect(nextOf([caller("a"), caller("b", "high"), caller("c", "high")])).toBe("b");
    expect(nextOf([])).toBe(null);
  });

  test("goes before a newcomer of higher priority in the end", () => {
    const late = caller("b", "high", { since: 60_001 });
    expect(nextOf([caller("a"), late], 60_001)).toBe("a");
  });

  test("is not passed by a smaller call to the same model, but by one to another", () => {
    const limits = limited({ inputTokens: 1_000 });
    const { state } = burstOf(noAdmission, call({ inputTokens: 20 }), 0, limits);
    const large = caller("large", "normal", { want: call({ inputTokens: 500 }) });
    const small = caller("small", "normal", { want: call({ inputTokens: 1 }) });
    const other = caller("other", "low", { want: call({ inputTokens: 1, model: "big" }) });
    expect(nextWaiter([large, small], state, 0, limits)).toEqual({ ok: false, waitMs: 11 });
    expect(nextWaiter([large, small, other], state, 0, limits)).toMatchObject({ caller: other });
  });

  test("is no more than the bound", () => {
    const one = enqueue([], caller("a"), 1);
    expect(one).toEqual([caller("a")]);
    expect(one === "full" || enqueue(one, caller("b"), 1)).toBe("full");
  });
});

interface Sent {
  readonly at: number;
  readonly requests: number;
  readonly tokens: number;
}

/** The most that any half-open window of a period saw. */
function worstWindow(sent: readonly Sent[], of: "requests" | "tokens", periodMs: number): number {
  let [worst, sum, from] = [0, 0, 0];
  for (const each of sent) {
    sum += each[of];
    while ((sent[from]?.at ?? 0) <= each.at - periodMs) sum -= sent[from++]?.[of] ?? 0;
    worst = Math.max(worst, sum);
  }
  return worst;
}

/** Loops that each make calls one after the other, against a provider that counts real tokens. */
function life(
  seed: number,
  shape: { loops: number; calls: number; averse: number },
  limits: RateLimits,
) {
  const random = new SeededRandom(seed);
  const sent: Sent[] = [];
  const ends: { at: number; want: Reservation; real: Amounts }[] = [];
  let callers: readonly Caller[] = [];
  let state = noAdmission;
  const left = new Map<string, number>();
  const ask = (key: string, now: number) => {
    const want = call({ model: "small", inputTokens: random.between(500, 2_500) });
    const queue = enqueue(callers, { key, priority: "normal", since: now, want }, shape.loops);
    if (queue === "full") throw new Error("more callers than loops");
    callers = queue;
  };
  for (let n = 0; n < shape.loops; n += 1) {
    left.set(`${n}`, shape.calls);
    ask(`${n}`, 0);
  }
  for (let now = 0; callers.length + ends.length > 0 && now < 60_000; now += 1) {
    for (const end of ends.filter(({ at }) => at <= now)) {
      ends.splice(ends.indexOf(end), 1);
      state = settle(state, end.want, end.real, now, limits);
    }
    for (let next = nextWaiter(callers, state, now, limits); next.ok; ) {
      const { caller } = next;
      state = next.state;
      callers = callers.filter((each) => each !== caller);
      const error = 1 + (random.next() - 0.5 - shape.averse) * 0.4;
      const real = { ...caller.want, inputTokens: Math.round(caller.want.inputTokens * error) };
      sent.push({ at: now, requests: 1, tokens: real.inputTokens });
      ends.push({ at: now + random.between(20, 250), want: caller.want, real });
      const more = (left.get(caller.key) ?? 0) - 1;
      left.set(caller.key, more);
      if (more > 0) ask(caller.key, now);
      next = nextWaiter(callers, state, now, limits);
    }
  }
  const last = sent.at(-1)?.at ?? 0;
  const total = (of: "requests" | "tokens") => sent.reduce((sum, each) => sum + each[of], 0);
  return { sent, last, total, inFlight: state.inFlight };
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8])("50 loops with one limit, seed %i", (seed) => {
  const limits = limited({ requests: 60, inputTokens: 60_000 });

  test.each([0, 0.5])(
    "keep to tokens in every window and use them up, estimates off (%f)",
    (averse) => {
      const { sent, last, total } = life(seed, { loops: 50, calls: 12, averse }, limits);
      expect(sent).toHaveLength(600);
      expect(worstWindow(sent, "tokens", 1_000)).toBeLessThanOrEqual(63_000);
      expect(total("tokens") / last).toBeGreaterThanOrEqual(0.95 * 60);
    },
  );

  test("keep to requests in every window, and use them up", () => {
    const narrow = limited({ requests: 30, inputTokens: 60_000 });
    const { sent, last, inFlight } = life(seed, { loops: 50, calls: 12, averse: 0 }, narrow);
    expect(worstWindow(sent, "requests", 1_000)).toBeLessThanOrEqual(31);
    expect(sent.length / last).toBeGreaterThanOrEqual(0.95 * 0.03);
    expect(inFlight).toBe(0);
  });
});

test("in no window more than the limit, its burst and one call, whatever comes when", () => {
  const arrival = fc.record({ afterMs: fc.nat(120), tokens: fc.integer({ min: 1, max: 40_000 }) });
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 80 }), (arrivals) => {
      const limits = limited({ inputTokens: 60_000 });
      let [state, now] = [noAdmission, 0];
      const sent: Sent[] = [];
      for (const { afterMs, tokens } of arrivals) {
        now += afterMs;
        const want = call({ inputTokens: tokens });
        let answer = reserve(state, want, now, limits);
        for (let tries = 0; !answer.ok && tries < 3; tries += 1) {
          now += answer.waitMs ?? 0;
          answer = reserve(state, want, now, limits);
        }
        if (!answer.ok) throw new Error("waiting as long as was said did not help");
        state = settle(answer.state, want, want, now, limits);
        sent.push({ at: now, requests: 1, tokens });
      }
      const largest = Math.max(...arrivals.map(({ tokens }) => tokens));
      expect(worstWindow(sent, "tokens", 1_000)).toBeLessThanOrEqual(0.98 * 60_000 + 900 + largest);
    }),
  );
});
