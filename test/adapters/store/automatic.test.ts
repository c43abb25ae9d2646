import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StateManager } from "../../../src/engine/state-manager.ts";
import type { TaskStore } from "../../../src/ports.ts";
import { brief } from "../../given.ts";
import { diskError } from "./fault-files.ts";
import { DiskPlace } from "./place.ts";

let place: DiskPlace;
beforeEach(async () => {
  place = await DiskPlace.make();
});
afterEach(() => place.remove());

const clock = { now: () => 7, sleepUntil: () => Promise.resolve() };

function opened(store: TaskStore): Promise<StateManager> {
  return StateManager.open({ clock, random: { next: () => 0.5 }, store }, 5);
}

async function create(states: StateManager, count: number): Promise<void> {
  const loop = { ...brief(), status: "pending" } as const;
  const submits = Array.from({ length: count }, () => states.submit({ type: "createLoop", loop }));
  await Promise.all(submits);
}

const snapshots = () => place.names(/^snapshot-/);

test("a snapshot is taken once enough has happened, and the next start begins with it", async () => {
  place.snapshotEvery = 20;
  const store = await place.open();
  const states = await opened(store);
  await create(states, 19);
  expect(await snapshots()).toEqual([]);
  await create(states, 30);
  await states.close();
  expect(await snapshots()).toEqual(["snapshot-0000000000000020.json"]);
  await store.close();
  const again = await place.open();
  expect((await again.restore())?.seq).toBe(20);
  await again.close();
  const last = await place.open();
  const after = await opened(last);
  expect(after.state).toEqual(states.state);
  expect(after.durableSeq).toBe(49);
  await last.close();
});

test("where events come fast there is a snapshot a second, but never five times rarer", async () => {
  place.snapshotEvery = 20;
  const now = vi.spyOn(performance, "now");
  try {
    now.mockReturnValue(1_000);
    const store = await place.open();
    const states = await opened(store);
    now.mockReturnValue(1_500);
    await create(states, 20);
    expect(store.snapshotEvery).toBe(2 * 20);
    now.mockReturnValue(1_501);
    await create(states, 100);
    await states.snapshot();
    expect(store.snapshotEvery).toBe(5 * 20);
    now.mockReturnValue(60_000);
    await states.snapshot();
    await states.snapshot();
    expect(store.snapshotEvery).toBe(20);
    await states.close();
    await store.close();
  } finally {
    now.mockRestore();
  }
});

test("a clean end leaves a snapshot when much has happened, and none for little", async () => {
  for (const [count, kept] of [
    [10, 0],
    [1_000, 1],
  ] as const) {
    const store = await place.open();
    const states = await opened(store);
    await create(states, count);
    await states.close();
    await store.close();
    expect(await snapshots()).toHaveLength(kept);
  }
});

test("a snapshot that fails holds nobody up, is told, and is tried again", async () => {
  place.snapshotEvery = 20;
  const store = await place.open();
  const states = await opened(store);
  await create(states, 1);
  place.files.fault = (operation) => (operation === "rename" ? diskError("EIO") : null);
  await create(states, 25);
  await expect(states.snapshot()).rejects.toThrow("EIO");
  expect(states.snapshotProblem).toMatchObject({ code: "EIO" });
  place.files.fault = () => null;
  await create(states, 1);
  expect(await states.snapshot()).toBe(27);
  expect(states.snapshotProblem).toBeNull();
  await store.close();
});
