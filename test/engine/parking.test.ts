import { expect, test } from "vitest";
import { finished, SmallWorld, writes } from "./small-world.ts";

const parking = { on: "memory", reason: "the daemon has grown", parks: true } as const;

test("under a hold that parks, the least urgent go back to the queue, but the last one", async () => {
  const small = await SmallWorld.start({ script: (_, call) => (call <= 2 ? "hang" : finished) });
  const first = await small.create();
  const second = await small.create();
  for (const id of [first, second]) await small.until(id, (loop) => loop.reservations.length > 0);
  small.hold = parking;
  small.states.changes.ring();
  const parked = await small.until(second, ({ status }) => status === "pending");
  expect(parked).toMatchObject({ reason: "memory is short: it goes on later", failures: 0 });
  small.states.changes.ring();
  await small.pass(60_000);
  small.states.changes.ring();
  await small.pass(60_000);
  const running = [...small.states.state.loops.values()].filter(
    (loop) => loop.status === "running",
  );
  expect(running.map(({ id }) => id)).toEqual([first]);
});

test("once the hold is over, who was parked goes on", async () => {
  const small = await SmallWorld.start({
    script: (_, call) => (call <= 2 ? "hang" : call === 3 ? writes("good") : finished),
  });
  await small.create();
  const second = await small.create();
  await small.until(second, (loop) => loop.reservations.length > 0);
  small.hold = parking;
  small.states.changes.ring();
  await small.until(second, ({ status }) => status === "pending");
  small.hold = null;
  small.states.changes.ring();
  expect(await small.rest(second)).toMatchObject({ status: "complete", attempt: 2 });
});

test("who does not go when told is not told again, and the next one is", async () => {
  const small = await SmallWorld.start({ script: () => "dead", runningMax: 3 });
  const ids = [await small.create(), await small.create(), await small.create()];
  for (const id of ids) await small.until(id, (loop) => loop.reservations.length > 0);
  small.hold = parking;
  const told: unknown[] = [small.scheduler.parks(), small.scheduler.parks()];
  for (let n = 0; n < 2; n += 1) {
    await small.pass(20_000);
    told.push(small.scheduler.parks());
  }
  expect(told).toEqual([ids[2], null, ids[1], null]);
});
