import { expect, test } from "vitest";
import { SmallWorld } from "./small-world.ts";

test("an attempt that does not end is left when the daemon ends, and costs its loop nothing", async () => {
  const small = await SmallWorld.start({ script: () => "dead" });
  const id = await small.create();
  await small.until(id, ({ reservations }) => reservations.length > 0);
  const from = small.clock.now();
  await small.stop();
  expect(small.failure).toBe(null);
  expect(small.clock.now() - from).toBeLessThan(20_000);
  expect(small.states.state.loops.get(id)).toMatchObject({
    status: "pending",
    attempt: 1,
    failures: 0,
    interruptedAt: "iteration 1",
  });
});
