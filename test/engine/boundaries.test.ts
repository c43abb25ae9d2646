/** The whole engine over the real log on a disk that ends at each of its operations in turn. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SimAudit } from "../../sim/audit.ts";
import { SimRepository, SimWorktrees, simDocuments, simFiles } from "../../sim/git.ts";
import { simTypes } from "../../sim/pipeline.ts";
import { SimPullRequests } from "../../sim/pull-requests.ts";
import { SimTargets } from "../../sim/targets.ts";
import { SimToolServers } from "../../sim/tool-servers.ts";
import { verifyStore } from "../../src/adapters/store/repair.ts";
import { unlimited } from "../../src/core/admission.ts";
import type { Transaction } from "../../src/core/events.ts";
import { isSettled } from "../../src/core/loop.ts";
import { Gates } from "../../src/engine/gates.ts";
import { reconcile, recover } from "../../src/engine/loop-manager.ts";
import { Scheduler } from "../../src/engine/scheduler.ts";
import { StateManager } from "../../src/engine/state-manager.ts";
import { systemClock } from "../../src/host/clock.ts";
import { StoreBroken, type TaskStore, type World } from "../../src/ports.ts";
import { diskError } from "../adapters/store/fault-files.ts";
import { DiskPlace } from "../adapters/store/place.ts";
import { readAll } from "../contracts/task-store.ts";
import { brief, settings } from "../given.ts";
import { finished, writes } from "./small-world.ts";

vi.setConfig({ testTimeout: 240_000 });

const loops = 3;
const forEver = 1_000_000;
/** Of what was written since the last sync, so much outlives the power. */
const shares = [0, 0.5, 1];

let place: DiskPlace;
let repository: SimRepository;
/** All that anybody was told. */
let told: Transaction[];

beforeEach(begin);
afterEach(() => place.remove());

async function begin(): Promise<void> {
  place = await DiskPlace.make();
  // So small that segments change and snapshots are taken within one life.
  place.segmentBytesMax = 4_096;
  place.snapshotEvery = 20;
  repository = new SimRepository();
  told = [];
}

function worldOf(store: TaskStore): World {
  const price = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 };
  const client = {
    complete: async ({ messages }: { messages: readonly unknown[] }) =>
      messages.length === 1 ? writes("good") : finished,
  };
  const model = { provider: "sim", name: "small", price, outputTokensMax: 4_096, client };
  const step = async () => undefined;
  const ran = { ended: "exited", output: "", stdout: "", stderr: "", durationMs: 1 } as const;
  return {
    clock: systemClock,
    random: { next: () => 0 },
    store,
    transcripts: { write: () => undefined, flush: async () => undefined, read: async () => [] },
    audit: new SimAudit(),
    models: { resolve: () => model },
    sandbox: {
      run: async ({ cwd }) => {
        const isGood = repository.worktrees.get(cwd)?.get("src.txt") === "good";
        return { ...ran, exitCode: isGood ? 0 : 1 };
      },
      forget: async () => undefined,
    },
    worktrees: new SimWorktrees(repository, { step }),
    targets: new SimTargets(repository, { step }),
    pullRequests: new SimPullRequests(repository, { step }),
    fileSystem: { files: (dir) => simFiles(repository, dir) },
    documents: simDocuments(repository),
    fetcher: { fetch: () => Promise.reject(new Error("there is no network")) },
    toolServers: new SimToolServers({}),
    loopTypes: simTypes,
    hooks: { run: async () => null },
    mergeBatchMax: 1,
    watch: () => undefined,
    redact: (text) => text,
  };
}

/** A daemon's life: until all loops are complete, or the disk takes no more. */
async function live(world: World): Promise<"complete" | "broken"> {
  const states = await StateManager.open(world, 5);
  const over = new AbortController();
  const endIfDone = () => {
    const all = [...states.state.loops.values()];
    if (all.length === loops && all.every(isSettled)) over.abort("all is done");
  };
  states.subscribe((transaction) => {
    told.push(transaction);
    endIfDone();
  });
  try {
    await recover(states);
    for (let n = states.state.loops.size; n < loops; n += 1) {
      const loop = brief({ settings: { ...settings, baseCommit: repository.base } });
      await states.submit({ type: "createLoop", loop: { ...loop, status: "pending" } });
    }
    // The disk may have failed after the last loop was complete: then nothing happens any more.
    endIfDone();
    const gates = new Gates(world, () => unlimited);
    const drain = new AbortController().signal;
    const patience = { retryAfterMaxMs: forEver, triesMax: 3 };
    const gatesOf = (provider: string) => [gates.shared(provider)];
    const engine = { world, states, patience, drain, gatesOf, dayUsd: () => null };
    const crew = { ...world, states, owner: "test", drain, engineOf: async () => engine };
    const limits = { runningMax: 2, perType: {}, agingMs: forEver, retryAfterMaxMs: forEver };
    const more = { pollMs: forEver, wants: () => true };
    const scheduler = new Scheduler({ ...crew, hold: () => null }, { ...limits, ...more });
    await reconcile(crew, scheduler, over.signal);
    return "complete";
  } catch (error) {
    if (!(error instanceof StoreBroken)) throw error;
    return "broken";
  } finally {
    await states.close();
  }
}

async function expectWhole(): Promise<void> {
  const store = await place.open();
  const log = await readAll(store);
  await store.close();
  const events = log.flatMap(({ seq, events: all }) =>
    all.map((event, n) => ({ seq: seq + n, event })),
  );
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => n + 1));
  const bySeq = new Map(log.map((transaction) => [transaction.seq, transaction]));
  for (const transaction of told) expect(bySeq.get(transaction.seq)).toEqual(transaction);
  const delivered = events.filter(({ event }) => event.type === "loop.delivered");
  expect(delivered.map(({ event }) => event.loop).sort()).toEqual(["1", "2", "3"]);
  expect((await verifyStore(place.home)).problems).toEqual([]);
}

test("whichever operation of the disk is a daemon's last, the next one completes all, and none twice", async () => {
  const first = await place.open();
  expect(await live(worldOf(first))).toBe("complete");
  await first.close();
  const { operations } = place.files;
  await expectWhole();
  expect(new Set(operations)).toEqual(new Set(["create", "write", "datasync", "rename", "remove"]));
  let broken = 0;
  for (let last = 1; last <= operations.length; last += 1) {
    await place.remove();
    await begin();
    const store = await place.open();
    place.files.fault = (_, count) => (count >= last ? diskError("EIO") : null);
    if ((await live(worldOf(store))) === "broken") broken += 1;
    await store.close();
    await place.files.losePower(shares[last % shares.length] ?? 0);
    const again = await place.open();
    expect(await live(worldOf(again))).toBe("complete");
    await again.close();
    await expectWhole();
  }
  expect(broken).toBeGreaterThan(operations.length / 2);
});
