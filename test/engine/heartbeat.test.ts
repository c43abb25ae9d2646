import { expect, test } from "vitest";
import { finished, SmallWorld, writes } from "./small-world.ts";

const hourMs = 3_600_000;

test("an attempt that hangs for good loses its loop, and the loop goes on", async () => {
  const small = await SmallWorld.start({
    script: (_, call) => (call === 1 ? "dead" : call === 2 ? writes("good") : finished),
  });
  const id = await small.create();
  const silent = await small.until(id, ({ failures }) => failures > 0, 3 * hourMs);
  expect(silent).toMatchObject({ status: "pending", failures: 1, attempt: 1 });
  expect(silent.reason).toMatch(/^it gave no sign of life for \d+ min$/);
  expect(silent.usage.outputTokens).toBeGreaterThan(0);
  expect(await small.rest(id)).toMatchObject({ status: "complete", attempt: 2 });
});

test("a paused loop whose attempt does not end can be resumed all the same", async () => {
  const small = await SmallWorld.start({
    script: (_, call) => (call === 1 ? "dead" : call === 2 ? writes("good") : finished),
  });
  const id = await small.create();
  await small.until(id, ({ reservations }) => reservations.length > 0);
  await small.ask({ type: "pause", id });
  await small.ask({ type: "resume", id, raise: {} });
  expect(await small.rest(id)).toMatchObject({ status: "complete", failures: 0 });
});

test("work that takes long and says so is left alone", async () => {
  const small = await SmallWorld.start({ runs: () => "hang" });
  const id = await small.create({ iterationsMax: 3 });
  const { failures, iteration } = await small.rest(id);
  expect({ failures, iteration }).toEqual({ failures: 0, iteration: 3 });
});
