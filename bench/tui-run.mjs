/** The screen alone in a process: thousands of loops, a busy board, a person who presses keys. */
import { once } from "node:events";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { PassThrough, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { loop, statusView } from "./tui-rows.mjs";

// As it is built: stripping types takes longer than the first frame may.
const built = join(import.meta.dirname, "../dist/tui/tui.js");
const { tui } = await import(built);
const loopsCount = 5_000;
const tickMs = 100;
const rowsPerTick = 20;
const keyEveryMs = 45;
const seconds = Number(process.argv[2] ?? 30);
const columns = 120;
const rows = 40;

let sentBytes = 0;
let onFrame = () => undefined;
const stdout = Object.assign(
  new Writable({
    write: (chunk, _encoding, done) => {
      sentBytes += chunk.length;
      onFrame(performance.now());
      done();
    },
  }),
  { isTTY: true, columns, rows },
);
const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });

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

let hearing = null;
const door = {
  version: async () => "1.0.0",
  questions: async () => [],
  iterations: async () => [],
  board: (given) => {
    hearing = given;
    queueMicrotask(() => {
      given.linked(true);
      const all = Array.from({ length: loopsCount }, (_, index) => rowAt(index, 0));
      tell({ kind: "snapshot", seq: 1, rows: all, isFirst: true, isLast: true });
      tell({ kind: "status", status: statusView });
    });
    return { focus: () => undefined, close: () => undefined };
  },
};

function tell(message) {
  hearing?.hear(message);
}

const program = { version: "1.0.0", daemon: async () => door };
const world = {
  argv: [],
  env: { TERM: "xterm-256color" },
  cwd: "/",
  stdout,
  stderr: new PassThrough(),
  stdin,
  homeOf: () => "/nowhere",
  program,
  onSignal: () => () => undefined,
  suspend: () => undefined,
  become: () => undefined,
  onCrash: () => () => undefined,
  tui: async () => 0,
};

const firstFrame = new Promise((resolve) => {
  onFrame = (at) => {
    if (sentBytes > columns * 2) resolve(at);
  };
});
const session = {
  world,
  place: { home: "/nowhere", dir: "/" },
  look: { colour: true, width: columns },
  say: () => undefined,
};
const running = tui(session, { mouse: true });
const firstFrameMs = await firstFrame;
await setTimeout(500);

const begunAt = performance.now();
const begunCpu = process.cpuUsage();
sentBytes = 0;
let turn = 0;
const board = setInterval(() => {
  turn += 1;
  // Half of them on the screen, where they cost most.
  const changed = Array.from({ length: rowsPerTick }, (_, index) =>
    rowAt(index % 2 === 0 ? (index + turn) % rows : (turn * 131 + index * 977) % loopsCount, turn),
  );
  tell({ kind: "rows", seq: turn + 1, rows: changed });
}, tickMs);
const times = [];
while (performance.now() - begunAt < seconds * 1_000) {
  const frame = new Promise((resolve) => {
    onFrame = resolve;
  });
  const from = performance.now();
  stdin.write(times.length % 40 < 20 ? "j" : "k");
  times.push((await frame) - from);
  await setTimeout(keyEveryMs);
}
clearInterval(board);
const tookMs = performance.now() - begunAt;
const { user, system } = process.cpuUsage(begunCpu);
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
const measured = {
  firstFrameMs,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  corePercent: (user + system) / 10 / tookMs,
  kbPerSecond: sentBytes / tookMs,
  rssMb: process.memoryUsage().rss / 1e6,
  keys: times.length,
};
stdin.write("q");
await running;
process.stdout.write(`${JSON.stringify(measured)}\n`);
if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
