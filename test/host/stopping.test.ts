import { once } from "node:events";
import { expect, test } from "vitest";
import { askedToEnd } from "../../src/host/control.ts";
import { Stopping } from "../../src/host/stopping.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";

const isOver = ({ drain, halt }: Stopping) => [drain.aborted, halt.aborted];

test("a drain that takes too long becomes an interruption, counted from the first word", async () => {
  const stopping = new Stopping(200);
  expect(isOver(stopping)).toEqual([false, false]);
  const halted = once(stopping.halt, "abort");
  const from = performance.now();
  stopping.shutdown({ now: false });
  expect(isOver(stopping)).toEqual([true, false]);
  stopping.shutdown({ now: false });
  await halted;
  expect(performance.now() - from).toBeGreaterThanOrEqual(190);
  expect(isOver(stopping)).toEqual([true, true]);
  expect(stopping.halt.reason).toBe("the daemon was stopped");
});

test("a second word that it is to be now interrupts at once", () => {
  const stopping = new Stopping(60_000);
  stopping.shutdown({ now: false });
  stopping.shutdown({ now: true });
  expect(isOver(stopping)).toEqual([true, true]);
  stopping.close();
});

test("one that ended by itself is interrupted no more", async () => {
  const stopping = new Stopping(20);
  stopping.shutdown({ now: false });
  stopping.close();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isOver(stopping)).toEqual([true, false]);
});

test("a daemon that somebody else has ended meanwhile is no trouble to who stops it", async () => {
  const asked = (shutdown: () => Promise<void>) => askedToEnd({ shutdown }, { now: false });
  const gone = new UserError(exitCodes.daemon, "the daemon does not answer: td start");
  expect(await asked(async () => undefined)).toBe(true);
  expect(await asked(() => Promise.reject(gone))).toBe(false);
  const refused = new UserError(exitCodes.usage, "no");
  await expect(asked(() => Promise.reject(refused))).rejects.toBe(refused);
});
