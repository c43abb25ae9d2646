/** A daemon for one home, as users start it, and what is asked of it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import { verifyStore } from "../../src/adapters/store/repair.ts";
import { connect } from "../../src/host/control.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { Door } from "../../src/protocol/door.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";
import type { StatusView } from "../../src/protocol/status.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { endProcessesOf, processesOf } from "./processes.ts";
import { type Desk, type DeskOptions, jsonOf, loopOf, makeDesk, type Told, td } from "./program.ts";
import { bash, done, read, scripted, write } from "./support.ts";

/** A repository whose check is red until `minus` becomes `plus`. */
export const signFiles = {
  "sum.txt": "minus\n",
  "check.sh": "#!/bin/sh\ngrep -q plus sum.txt\n",
};

/** Mends that repository in one iteration. */
export const mending: Policy = scripted([[read("sum.txt")], [write("sum.txt", "plus\n")], [done]]);

/** Its first turn runs for seconds and then leaves something behind. */
export const longTurn = scripted([
  [read("sum.txt"), bash("echo begun > begun.txt; sleep 3; echo kept > kept.txt")],
  [write("sum.txt", "plus\n")],
  [done],
]);

/** Whether the loop's worktree has it. */
export function hasFile({ home }: Desk, id: string, name: string): boolean {
  return existsSync(join(home, "worktrees", id, "tree", name));
}

/** The same with `latencyMs` before each of its answers. */
export function slow(policy: Policy, latencyMs: number): Policy {
  return (request) => {
    const reply = policy(request);
    return reply === null ? null : { ...reply, "latency-ms": latencyMs };
  };
}

/** A home without a daemon yet; whatever serves it afterwards is ended with the test. */
export async function withDesk(
  policy: Policy,
  body: (desk: Desk) => Promise<void>,
  options: Omit<DeskOptions, "modelUrl"> = {},
): Promise<void> {
  const mock = await startMockLlm({ policy });
  const desk = await makeDesk({ modelUrl: mock.url, files: signFiles, ...options });
  try {
    await body(desk);
  } finally {
    await endProcessesOf(desk.place);
    await mock.close();
  }
}

/** The same with a daemon that answers. */
export function withDaemon(
  policy: Policy,
  body: (desk: Desk) => Promise<void>,
  options: Omit<DeskOptions, "modelUrl"> = {},
): Promise<void> {
  return withDesk(
    policy,
    async (desk) => {
      await expectDone(td(desk, ["start"]));
      await body(desk);
    },
    options,
  );
}

/** Throws, with all it said, when it did not end with 0. */
export async function expectDone(running: Promise<Told>): Promise<Told> {
  const told = await running;
  if (told.code !== 0) throw new Error(`ended with ${told.code}: ${told.stderr}${told.stdout}`);
  return told;
}

const runArgs = ["--json", "run", "ralph", "Mend it.", "--validate", "./check.sh"] as const;

export async function runDetached(desk: Desk, ...more: readonly string[]): Promise<LoopView> {
  return loopOf(await expectDone(td(desk, [...runArgs, "--detach", ...more])));
}

/**
 * What the daemon answers at its socket, for the start of a program costs a hundred times as much;
 * null where none does.
 */
export async function askDaemon<Answer>(
  { home }: Desk,
  ask: (door: Door) => Promise<Answer>,
): Promise<Answer | null> {
  const door = await connect(home);
  if (door === null) return null;
  return ask(door).catch((error: unknown) => {
    if (error instanceof UserError && error.exitCode === exitCodes.daemon) return null;
    throw error;
  });
}

/** As `td show` has it, and by it where no daemon answers. */
export async function show(desk: Desk, id: string): Promise<LoopView> {
  const view = await askDaemon(desk, (door) => door.loop(id));
  return view ?? loopOf(await expectDone(td(desk, ["--json", "show", id])));
}

const all = { status: null, type: null, plan: null };

/** As `td list` has it, and by it where no daemon answers. */
export async function list(desk: Desk): Promise<readonly LoopView[]> {
  const views = await askDaemon(desk, (door) => door.loops(all));
  return views ?? jsonOf<LoopView[]>(await expectDone(td(desk, ["--json", "list"])));
}

/** As `td status` has it, and by it where no daemon answers. */
export async function status(desk: Desk): Promise<StatusView> {
  const view = await askDaemon(desk, (door) => door.status());
  return view ?? jsonOf<StatusView>(await expectDone(td(desk, ["--json", "status"])));
}

/** The daemon's own process, as its file says; null without one. */
export function pidOf({ home }: Desk): number | null {
  const file = join(home, "daemon.pid");
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : null;
}

export async function guardianOf({ place }: Desk): Promise<number> {
  const found = (await processesOf(place)).find(({ command }) => command.includes("--guardian"));
  if (found === undefined) throw new Error("there is no guardian");
  return found.pid;
}

/** With violence; resolves when another serves. Its guardian starts that one; without it, a person does. */
export async function killDaemon(
  desk: Desk,
  { withGuardian }: { readonly withGuardian: boolean },
): Promise<void> {
  const pid = pidOf(desk);
  if (pid === null) throw new Error("no daemon has the home");
  if (withGuardian) kill(await guardianOf(desk), "SIGKILL");
  kill(pid, "SIGKILL");
  expect((await verifyStore(desk.home)).problems).toEqual([]);
  // Whoever asks for something meanwhile may have started one already.
  if (withGuardian) await td(desk, ["start"]);
  const answers = async () => (await connect(desk.home)) !== null;
  await until("another serves", async () => pidOf(desk) !== pid && (await answers()));
}

/** `other` goes on beside `body` and is told when that is over; both have ended when this has. */
export async function beside<Outcome>(
  other: (over: AbortSignal) => Promise<Outcome>,
  body: () => Promise<void>,
): Promise<Outcome> {
  const over = new AbortController();
  const going = other(over.signal);
  const ended = Promise.allSettled([going]);
  try {
    await body();
  } finally {
    over.abort();
    await ended;
  }
  return going;
}

const untilMsMax = 60_000;

/** Asks until it is so. */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  waitMsMax = untilMsMax,
): Promise<void> {
  const end = Date.now() + waitMsMax;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${waitMsMax} ms: ${what}`);
    await setTimeout(50);
  }
}

export async function untilStatus(desk: Desk, id: string, wanted: string): Promise<void> {
  const isSo = async () => (await show(desk, id)).status === wanted;
  await until(`loop ${id} is ${wanted}`, isSo).catch(async (error: Error) => {
    const { status: found, reason } = await show(desk, id);
    throw new Error(`${error.message}: it is ${found} (${reason})`, { cause: error });
  });
}

/** No process of the home is left, however long its last ones take to end. */
export function untilNobody({ place }: Desk): Promise<void> {
  return until(`nobody works at ${place}`, async () => (await processesOf(place)).length === 0);
}
