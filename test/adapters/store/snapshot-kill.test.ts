import { spawn } from "node:child_process";
import { once } from "node:events";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { backupStore } from "../../../src/adapters/store/backup.ts";
import { compactStore } from "../../../src/adapters/store/compact.ts";
import { readState, stateAt } from "../../../src/adapters/store/history.ts";
import { verifyStore } from "../../../src/adapters/store/repair.ts";
import { restoreStore } from "../../../src/adapters/store/restore-backup.ts";
import { replayed } from "./lives.ts";
import { DiskPlace } from "./place.ts";

const script = fileURLToPath(new URL("./daemon-process.ts", import.meta.url));

/** Lets a daemon create loops until so many are acknowledged; meanwhile `beside`; then kills it. */
async function live(home: string, loops: number, beside: () => Promise<void>): Promise<number> {
  const child = spawn(execPath, [script, home, "25"], { stdio: ["ignore", "pipe", "inherit"] });
  let acknowledged = 0;
  let meanwhile: Promise<void> | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line.split(" ").at(-1));
    if (acknowledged > 0) meanwhile ??= beside();
    if (acknowledged < loops) continue;
    child.kill("SIGKILL");
    break;
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  await meanwhile;
  return acknowledged;
}

test("killed amid snapshots and compactions, a daemon finds all that was acknowledged", async () => {
  const place = await DiskPlace.make();
  try {
    for (const loops of [60, 133, 190, 301, 388, 470]) {
      const acknowledged = await live(place.home, loops, async () => {
        await compactStore(place.home, { archivedDaysMax: null });
        await readState(place.home);
      });
      const store = await place.open();
      const state = await replayed(store);
      expect(store.damagedSnapshots).toEqual([]);
      const next = store.seq;
      await store.close();
      expect(state.loops.size).toBeGreaterThanOrEqual(acknowledged);
      expect(state).toEqual(await stateAt(place.home, next - 1));
      const report = await verifyStore(place.home);
      expect(report.problems).toEqual([]);
      expect(report.snapshotSeq).toBeGreaterThan(0);
    }
    expect((await verifyStore(place.home)).archived).toBeGreaterThan(0);
  } finally {
    await place.remove();
  }
});

test("a backup made while a daemon writes is a state that the daemon had", async () => {
  const [place, other] = [await DiskPlace.make(), await DiskPlace.make()];
  const file = `${other.home}/backup`;
  try {
    await live(place.home, 300, async () => {
      await backupStore(place.home, file);
    });
    const { head } = await restoreStore(other.home, file, { force: false });
    const restored = await readState(other.home);
    expect(restored.seq).toBe(head.seq);
    expect(restored.state).toEqual(await stateAt(place.home, head.seq));
  } finally {
    await place.remove();
    await other.remove();
  }
});
