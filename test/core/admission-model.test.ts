import { describe, expect, test } from "vitest";
import {
  type Admission,
  type Caller,
  nextWaiter,
  noAdmission,
  type RateLimits,
  type Reservation,
  reserve,
  settle,
  unlimited,
} from "../../src/core/admission.ts";

const none = unlimited.perPeriod;

function limited(perPeriod: Partial<RateLimits["perPeriod"]>, concurrency: number | null = null) {
  return { concurrency, perPeriod: { ...none, ...perPeriod }, periodMs: 1_000 };
}

function call(more: Partial<Reservation> = {}): Reservation {
  return { model: "small", requests: 1, inputTokens: 0, outputTokens: 0, ...more };
}

/** Makes as many calls at once as are allowed. */
function burstOf(state: Admission, want: Reservation, limits: RateLimits) {
  let after = state;
  for (let count = 0; count < 1_000; count += 1) {
    const answer = reserve(after, want, 0, limits);
    if (!answer.ok) return { count, state: after, refusal: answer };
    after = answer.state;
  }
  throw new Error("no end to it");
}

describe("a model with limits of its own", () => {
  const model = { concurrency: 1, perPeriod: { ...none, requests: 200 } };
  const limits = { ...limited({ requests: 100, inputTokens: 1_000 }, 3), models: { small: model } };

  test("has no more calls than it may, and leaves the provider's others to the rest", () => {
    const first = burstOf(noAdmission, call(), limits);
    expect(first.count).toBe(1);
    expect(first.refusal).toEqual({ ok: false, waitMs: null, because: "model" });
    const rest = burstOf(first.state, call({ model: "big" }), limited({}, 3));
    expect(rest.count).toBe(2);
    expect(rest.refusal.because).toBe("concurrency");
    const ended = settle(rest.state, call(), call(), 0, limits);
    expect([ended.inFlight, ended.inFlightOf]).toEqual([2, { small: 0, big: 2 }]);
    expect(reserve(ended, call(), 0, limits).ok).toBe(true);
  });

  test("has its own rate, and the provider's where it has none", () => {
    const wide = {
      ...limits,
      concurrency: null,
      models: { small: { ...model, concurrency: null } },
    };
    const { count, refusal } = burstOf(noAdmission, call(), wide);
    expect([count, refusal.because]).toEqual([3, "requests"]);
    expect(burstOf(noAdmission, call({ model: "big" }), wide).count).toBe(2);
    const thirsty = call({ inputTokens: 100 });
    expect(burstOf(noAdmission, thirsty, wide).refusal.because).toBe("inputTokens");
  });

  test.each(["constructor", "__proto__"])("may be called %s", (model) => {
    const free = limited({});
    const begun = reserve(noAdmission, call({ model }), 0, { ...free, models: {} });
    expect(begun.ok && settle(begun.state, begun.reservation, call(), 0, free).inFlight).toBe(0);
  });

  test("that waits lets other models past it", () => {
    const { state } = burstOf(noAdmission, call(), limits);
    const callers = ["small", "big"].map((of): Caller => {
      return {
        key: of,
        priority: "normal",
        since: of === "small" ? 0 : 1,
        want: call({ model: of }),
      };
    });
    expect(nextWaiter(callers, state, 0, limits)).toMatchObject({ caller: { key: "big" } });
  });
});
