import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Ports } from "../../../src/adapters/git/ports.ts";
import { loopId, makeScene, never } from "./support.ts";

async function directory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "td-ports-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test("who takes at once, from wherever, gets blocks apart; the same owner the same one", async () => {
  const dir = await directory();
  const owners = Array.from({ length: 30 }, (_, n) => `1.${n}`);
  const taken = await Promise.all(owners.map((owner) => new Ports(dir).take(owner)));
  const sorted = taken.toSorted((a, b) => a - b);
  for (const [n, port] of sorted.entries()) {
    if (n > 0) expect(port - (sorted[n - 1] ?? 0)).toBeGreaterThanOrEqual(20);
  }
  expect(await new Ports(dir).take("1.7")).toBe(taken[7]);
  await new Ports(dir).giveBack("1.7");
  await new Ports(dir).giveBack("1.7");
  expect(await new Ports(dir).take("2")).toBe(taken[7]);
});

test("when none is free, it says so", async () => {
  const dir = await directory();
  for (let n = 1; n < 500; n += 1) writeFileSync(join(dir, `${20_000 + 20 * n}`), `${n}`);
  const ports = new Ports(dir);
  expect(await ports.take("the last")).toBe(20_000);
  await expect(ports.take("one more")).rejects.toThrow(/worktree.ports/);
});

test("a loop at work and its verdict's worktree have theirs, and give them back", async () => {
  const scene = await makeScene();
  onTestFinished(scene.close);
  const { worktrees, request, home } = scene;
  const settings = {
    link: "auto",
    copy: [],
    setup: null,
    setupNetworkAllow: [],
    ports: 5,
  } as const;
  const open = (loop: string) =>
    worktrees.open(request({ settings, loop: loopId(loop) }), never).then(({ env }) => env);
  const [one, two] = [await open("1"), await open("2")];
  const fresh = await worktrees.fresh(request({ settings, loop: loopId("1") }), never);
  expect([one, two, fresh.env]).toMatchObject([
    { TD_PORT: "20000", TD_PORTS: "5" },
    { TD_PORT: "20020", TD_PORTS: "5" },
    { TD_PORT: "20040", TD_PORTS: "5" },
  ]);
  await worktrees.rest(loopId("1"));
  await fresh.close();
  expect(await open("3")).toMatchObject({ TD_PORT: "20000" });
  expect(await open("1")).toMatchObject({ TD_PORT: "20040" });
  await worktrees.reap(new Set([loopId("1"), loopId("2"), loopId("3")]));
  expect(await new Ports(join(home, "ports")).take("9")).toBe(20_000);
  const without = await worktrees.open(request({ loop: loopId("4") }), never);
  expect(without.env).not.toHaveProperty("TD_PORT");
});
