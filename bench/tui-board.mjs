/** Thousands of loops, a busy board and a person's keys: the same for every screen that is measured. */
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { loop, statusView } from "./tui-rows.mjs";

export const columns = 120;
export const rows = 40;
const loopsCount = 5_000;
const tickMs = 100;
const rowsPerTick = 20;
const keyEveryMs = 45;
/** A frame that does not come by then counts as that long. */
const frameMsMax = 2_000;
const downs = 20;

const statuses = ["running", "running", "pending", "complete", "failed", "blocked"];
const titles = [
  "fix the billing of sessions",
  "修复 auth 写测试用例",
  "remove a flaky 😀 test",
  "docs",
];

function rowAt(index, turn) {
  const plan = Math.floor(index / 10) + 1;
  const child = index % 10;
  const title = `${titles[index % titles.length]} ${turn}`;
  const status = statuses[(index + turn) % statuses.length] ?? "running";
  const parent = child === 0 ? null : String(plan);
  return loop(child === 0 ? String(plan) : `${plan}.${child}`, {
    title,
    status,
    parent,
    iteration: turn,
  });
}

export function allRows() {
  return Array.from({ length: loopsCount }, (_, index) => rowAt(index, 0));
}

/** Rows that change, half of them on the screen, where they cost most. Returns what ends it. */
export function changing(hear) {
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    const changed = Array.from({ length: rowsPerTick }, (_, index) =>
      rowAt(
        index % 2 === 0 ? (index + turn) % rows : (turn * 131 + index * 977) % loopsCount,
        turn,
      ),
    );
    hear(changed, turn);
  }, tickMs);
  return () => clearInterval(timer);
}

/** The daemon as `td tui` knows it, busy from `begin` on. */
export function busyDoor() {
  let hearing = null;
  const tell = (message) => hearing?.hear(message);
  return {
    begin: () => changing((changed, turn) => tell({ kind: "rows", seq: turn + 1, rows: changed })),
    door: {
      version: async () => "1.0.0",
      questions: async () => [],
      iterations: async () => [],
      board: (given) => {
        hearing = given;
        queueMicrotask(() => {
          given.linked(true);
          tell({ kind: "snapshot", seq: 1, rows: allRows(), isFirst: true, isLast: true });
          tell({ kind: "status", status: statusView });
        });
        return { focus: () => undefined, close: () => undefined };
      },
    },
  };
}

/** What `td tui` needs of its process, around a terminal. */
export function sessionAt({ stdin, stdout, stderr }, door) {
  const world = {
    argv: [],
    env: { TERM: "xterm-256color" },
    cwd: "/",
    stdout,
    stderr,
    stdin,
    homeOf: () => "/nowhere",
    program: { version: "1.0.0", daemon: async () => door },
    onSignal: () => () => undefined,
    suspend: () => undefined,
    become: () => undefined,
    onCrash: () => () => undefined,
    tui: async () => 0,
  };
  return {
    world,
    place: { home: "/nowhere", dir: "/" },
    look: { colour: true, width: columns },
    say: () => undefined,
  };
}

/**
 * Presses keys for so long. `press` sends one, `shown` resolves with the time once the selection
 * has moved; what the terminal gets between them is not awaited.
 */
export async function pressKeys(seconds, press, shown) {
  const times = [];
  const begunAt = performance.now();
  let selected = 0;
  while (performance.now() - begunAt < seconds * 1_000) {
    const key = times.length % (2 * downs) < downs ? "j" : "k";
    selected += key === "j" ? 1 : -1;
    const moved = shown(selected);
    const from = performance.now();
    press(key);
    const late = setTimeout(frameMsMax, from + frameMsMax, { ref: false });
    times.push((await Promise.race([moved, late])) - from);
    await setTimeout(keyEveryMs);
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), keys: times.length };
}
