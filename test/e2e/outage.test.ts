/** What a provider does to a daemon's loops: outages and limits, over real HTTP. */
import { afterAll, expect, test, vi } from "vitest";
import { readFeed } from "../../src/host/reader.ts";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import type { WhyView } from "../../src/views/why.ts";
import {
  askDaemon,
  expectDone,
  list,
  mending,
  runDetached,
  show,
  signFiles,
  status,
  until,
  untilStatus,
  withDaemon,
} from "./daemon-support.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import { done, read, removePlaces, scripted, write } from "./support.ts";

vi.setConfig({ testTimeout: 600_000 });
afterAll(removePlaces);

const loopsCount = 50;
const outageMs = 3_000;
const stepMs = 5_000;

/** Once every loop is at work, three seconds of 529; before that they keep busy, then they finish. */
function outage(): { readonly policy: Policy; readonly refused: () => number } {
  const seen = new Set<string>();
  let endsAt: number | null = null;
  let refused = 0;
  const policy: Policy = (request) => {
    seen.add(/# Loop (\S+),/.exec(request.text)?.[1] ?? "");
    if (endsAt === null && seen.size === loopsCount) endsAt = Date.now() + outageMs;
    if (endsAt === null)
      return { tools: [{ name: "read", input: { path: "sum.txt" } }], "latency-ms": stepMs };
    if (Date.now() < endsAt) {
      refused += 1;
      return { fault: { status: 529 } };
    }
    return finishing(request);
  };
  return { policy, refused: () => refused };
}

/** However many turns there were: this is the last. */
const finishing: Policy = scripted(
  Array.from({ length: 200 }, () => [read("sum.txt"), write("sum.txt", "plus\n"), done]),
);

test(`an outage of ${outageMs} ms is not hammered by ${loopsCount} loops, and all recover`, () => {
  const { policy, refused } = outage();
  const config = "iteration: { max-turns: 200, timeout: 30m }\n";
  return withDaemon(
    policy,
    async (desk) => {
      const line = JSON.stringify({ type: "ralph", task: "Mend it.", validate: "./check.sh" });
      const stdin = `${line}\n`.repeat(loopsCount);
      await expectDone(td(desk, ["--json", "run", "--batch", "-", "--detach"], { stdin }));
      await untilAll(desk, "complete");
      expect(refused()).toBeGreaterThan(0);
      expect(refused()).toBeLessThanOrEqual(60);
      for (const loop of await list(desk)) {
        expect(loop).toMatchObject({ status: "complete", iteration: 1, attempt: 1 });
      }
      const types = (await readFeed(desk.home, 1)).map(({ type }) => type);
      expect(types.filter((type) => type === "iteration.finished")).toHaveLength(loopsCount);
      expect(await status(desk)).toMatchObject({
        providers: [{ name: "anthropic", inFlight: 0, waiting: 0, breaker: "closed" }],
      });
    },
    { files: signFiles, config },
  );
});

async function untilAll(desk: Desk, wanted: LoopView["status"]): Promise<void> {
  for (let minutes = 0; minutes < 8; minutes += 1) {
    const isSo = async () => (await list(desk)).every((loop) => loop.status === wanted);
    if (
      await until(`all are ${wanted}`, isSo).then(
        () => true,
        () => false,
      )
    )
      return;
  }
  throw new Error(`they are ${(await list(desk)).map((loop) => loop.status).join(", ")}`);
}

/** The first request is limited, for so many seconds; what comes after is answered. */
function limitedOnce(retryAfter: number): {
  readonly policy: Policy;
  readonly asked: () => number;
} {
  let asked = 0;
  const policy: Policy = (request) => {
    asked += 1;
    if (asked === 1) return { fault: { status: 429, "retry-after": retryAfter } };
    return mending(request);
  };
  return { policy, asked: () => asked };
}

async function why(desk: Desk, id: string): Promise<WhyView> {
  const view = await askDaemon(desk, (door) => door.why(id));
  return view ?? jsonOf<WhyView>(await expectDone(td(desk, ["--json", "why", id])));
}

/** A command's time beyond that of one that does nothing. */
async function extraMs(desk: Desk, args: readonly string[]): Promise<number> {
  const timed = async (asked: readonly string[]) => {
    const startedAt = performance.now();
    await expectDone(td(desk, asked));
    return performance.now() - startedAt;
  };
  const usualMs = Math.max(await timed(["ping"]), await timed(["ping"]));
  return (await timed(args)) - usualMs;
}

test("a long Retry-After parks the model, says until when, and survives a restart", () => {
  const { policy, asked } = limitedOnce(3_600);
  return withDaemon(policy, async (desk) => {
    const { id } = await runDetached(desk);
    const isParked = async () => (await status(desk)).providers[0]?.parkedUntil != null;
    await until("the model is parked", isParked);
    await untilStatus(desk, id, "pending");
    const before = await why(desk, id);
    expect(before.sentence).toMatch(
      /^It starts again at \S+ \(in (?:59|60) min\): anthropic\/.+429/,
    );
    const [{ parkedUntil } = { parkedUntil: null }] = (await status(desk)).providers;
    expect(Date.parse(parkedUntil ?? "") - Date.now()).toBeGreaterThan(3_400_000);
    await expectDone(td(desk, ["restart"]));
    expect((await why(desk, id)).sentence.slice(0, 50)).toBe(before.sentence.slice(0, 50));
    expect((await status(desk)).providers[0]?.parkedUntil).toBe(parkedUntil);
    expect(await expectDone(td(desk, ["queue"]))).toMatchObject({
      stdout: expect.stringContaining(`waits until ${parkedUntil}`),
    });
    expect(await extraMs(desk, ["stop", id])).toBeLessThan(2_000);
    expect(await show(desk, id)).toMatchObject({ status: "stopped", iteration: 0 });
    expect(asked()).toBe(1);
  });
});

test("a wait within a turn says until when, and delays neither a stop nor the daemon's", () => {
  const { policy, asked } = limitedOnce(50);
  return withDaemon(policy, async (desk) => {
    const first = await runDetached(desk);
    const saysSo = async () =>
      (await why(desk, first.id)).sentence.includes(" waits in iteration 1");
    await until("it says what it waits for", saysSo);
    expect((await why(desk, first.id)).sentence).toMatch(/until \S+ \(\d+ s\): .*429/);
    const second = await runDetached(desk);
    const waits = async () => (await why(desk, second.id)).sentence.includes("asked for a pause");
    await until("the other one waits too", waits);
    expect((await status(desk)).providers[0]).toMatchObject({ waiting: 1, inFlight: 0 });
    expect(await extraMs(desk, ["stop", first.id])).toBeLessThan(2_000);
    expect(await show(desk, first.id)).toMatchObject({ status: "stopped", iteration: 0 });
    expect(await extraMs(desk, ["stop"])).toBeLessThan(10_000);
    expect(asked()).toBe(1);
    await expectDone(td(desk, ["start"]));
    await untilStatus(desk, second.id, "complete");
    expect(await show(desk, second.id)).toMatchObject({ iteration: 1 });
  });
});
