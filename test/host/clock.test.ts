import fc from "fast-check";
import { expect, test } from "vitest";
import { steadyClock, systemClock } from "../../src/host/clock.ts";

const start = 1_800_000_000_000;
const hourMs = 3_600_000;

/** A machine whose time passes, and whose clock is set. */
function machineAt(wall = start) {
  const machine = { wall, monotonic: 5 };
  const clock = steadyClock({ wall: () => machine.wall, monotonic: () => machine.monotonic });
  const passes = (ms: number) => {
    machine.wall += ms;
    machine.monotonic += ms;
  };
  const isSet = (byMs: number) => {
    machine.wall += byMs;
  };
  return { machine, clock, passes, isSet };
}

test("is the machine's time while nobody sets it", () => {
  const { machine, clock, passes } = machineAt();
  for (const ms of [0, 1, 250, hourMs, 24 * hourMs]) {
    passes(ms);
    expect(clock.now()).toBe(machine.wall);
  }
});

test("follows a jump forward: a machine that slept is late, not early", () => {
  const { clock, isSet, passes } = machineAt();
  passes(10);
  isSet(hourMs);
  expect(clock.now()).toBe(start + hourMs + 10);
});

test("goes on at its pace when the clock is set back", () => {
  const { clock, isSet, passes } = machineAt();
  passes(1_000);
  expect(clock.now()).toBe(start + 1_000);
  isSet(-hourMs);
  expect(clock.now()).toBe(start + 1_000);
  passes(5_000);
  expect(clock.now()).toBe(start + 6_000);
});

test("a clock that is slewed is followed, and held rather than turned back", () => {
  const { clock, isSet, passes } = machineAt();
  clock.now();
  isSet(-400);
  expect(clock.now()).toBe(start);
  passes(500);
  expect(clock.now()).toBe(start + 100);
});

test("never goes back, and no wait for a duration takes much longer than it", () => {
  const step = fc.record({
    passes: fc.integer({ min: 0, max: hourMs }),
    isSet: fc.integer({ min: -48 * hourMs, max: 48 * hourMs }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { clock, isSet, passes } = machineAt();
      for (const { passes: ms, isSet: byMs } of steps) {
        const before = clock.now();
        isSet(byMs);
        passes(ms);
        const slewed = 1_000 + 0.001 * ms;
        expect(clock.now()).toBeGreaterThanOrEqual(Math.floor(before + ms - slewed));
        expect(clock.now()).toBeGreaterThanOrEqual(before);
      }
    }),
  );
});

test("a sleep ends at its time, and at once when it is called off", async () => {
  const at = systemClock.now() + 20;
  await systemClock.sleepUntil(at, new AbortController().signal);
  expect(systemClock.now()).toBeGreaterThanOrEqual(at);
  await systemClock.sleepUntil(at + 24 * hourMs, AbortSignal.abort());
  expect(systemClock.now()).toBeLessThan(at + 24 * hourMs);
});
