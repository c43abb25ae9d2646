import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readProc } from "../../src/adapters/process/tree.ts";
import { connectDoor } from "../../src/client/connect.ts";
import { socketOf } from "../../src/host/socket.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import { expectDone, mending, signFiles, slow, untilStatus } from "./daemon-support.ts";
import { endProcessesOf } from "./processes.ts";
import { type Desk, makeDesk, td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";
import { TmuxTerminal } from "./tmux.ts";

const timeout = 2 * loopTimeoutMs;
const loops = 2;
const pings = 40;
/** A whole screen is some kilobytes, and what lies between a program and its reader holds 64. */
const screens = 40;
let desk: Desk;
let mock: Awaited<ReturnType<typeof startMockLlm>>;
let done = 0;

beforeAll(async () => {
  mock = await startMockLlm({ policy: slow(mending, 200) });
  desk = await makeDesk({ modelUrl: mock.url, files: signFiles });
  await expectDone(td(desk, ["start"]));
}, timeout);

afterAll(async () => {
  await endProcessesOf(desk.place);
  await mock.close();
  await removePlaces();
});

/** How long the daemon takes to say how it is, while loops run. */
async function medianStatusMs(): Promise<number> {
  for (let index = 0; index < loops; index += 1) {
    const asked = ["run", "ralph", "More.", "--validate", "./check.sh", "--detach"];
    await expectDone(td(desk, asked));
  }
  const door = connectDoor(socketOf(desk.home), { isThere: () => true, lastWords: () => "" });
  const times: number[] = [];
  for (let index = 0; index < pings; index += 1) {
    const from = performance.now();
    await door.status();
    times.push(performance.now() - from);
    await setTimeout(20);
  }
  done += loops;
  for (let id = done - loops + 1; id <= done; id += 1) {
    await untilStatus(desk, String(id), "complete");
  }
  return times.sort((a, b) => a - b)[pings / 2] ?? 0;
}

/** A machine whose init reaps nobody keeps it as a zombie. */
const hasEnded = (pid: number) => /^State:\tZ/m.test(readProc(pid, "status") ?? "State:\tZ");

test(
  "a screen that stands still, a terminal that nobody reads, and a dead one do not slow the daemon",
  async () => {
    const terminal = await TmuxTerminal.open(desk);
    await terminal.until("live");
    const [screen, reader] = [await terminal.pid(), Number(await terminal.format("pid"))];
    const usual = await medianStatusMs();
    const allowed = usual * 3 + 50;

    process.kill(screen, "SIGSTOP");
    expect(await medianStatusMs()).toBeLessThan(allowed);
    process.kill(screen, "SIGCONT");
    await terminal.until(`${done} of ${done}`);

    process.kill(reader, "SIGSTOP");
    // Each time it draws the whole screen anew, until a write blocks it.
    for (let index = 0; index < screens; index += 1) {
      process.kill(screen, "SIGCONT");
      await setTimeout(20);
    }
    expect(await medianStatusMs()).toBeLessThan(allowed);
    process.kill(reader, "SIGCONT");
    await terminal.until(`${done} of ${done}`);

    process.kill(reader, "SIGKILL");
    await vi.waitFor(() => expect(hasEnded(screen)).toBe(true), { timeout: 20_000 });
    expect(await medianStatusMs()).toBeLessThan(allowed);
  },
  timeout,
);
