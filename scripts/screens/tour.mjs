// Each view of `td tui`, key by key.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { svgOf, Tmux } from "./terminal.mjs";

const sizes = [
  { columns: 120, rows: 40 },
  { columns: 90, rows: 28 },
  { columns: 60, rows: 20 },
];

/** From a quiet list: keys, what then is there, and what is typed into it. */
const shotsOf = ({ draft, plan, work, running, complete, compared, failed, question, gate }) => [
  {
    name: "chat",
    keys: ["1"],
    typed: "What does parseTime accept?",
    next: ["Enter"],
    text: "RangeError",
  },
  { name: "plan", keys: ["2"], at: draft, next: ["Enter"], text: "handbook" },
  { name: "plan-running", keys: ["2"], at: plan },
  { name: "graph", keys: ["2"], at: plan, next: ["Enter", "]"], text: "7.2.1" },
  { name: "executions", keys: ["3"], at: work, text: "[3 Executions]" },
  { name: "output", keys: ["3"], at: running, next: ["l"], text: "Output" },
  { name: "diff", keys: ["3"], at: complete, next: ["d"], text: "format-time.js" },
  { name: "verdict", keys: ["3"], at: failed, next: ["w", "[", "["], text: "did not pass" },
  { name: "cost", keys: ["3"], at: work, next: ["w", "["], text: "requests" },
  { name: "why", keys: ["3"], at: gate, next: ["w"], text: "td answer" },
  { name: "replay", keys: ["3"], at: complete, next: ["L"], text: "replay" },
  { name: "filter", keys: ["3", "/"], typed: "status:blocked", next: ["Enter"], text: "filter:" },
  { name: "answer", keys: ["3"], at: question, next: ["A"], typed: "Julian, as", text: "answer" },
  { name: "stop", keys: ["3"], at: running, next: ["x"], text: "sure?" },
  { name: "records", keys: ["4"], at: complete, text: "[4 Records]" },
  {
    name: "compare",
    keys: ["4"],
    marked: [complete, compared],
    next: ["="],
    text: "iterations",
  },
  { name: "events", keys: ["5"], text: "[5 Events]" },
  { name: "questions", keys: ["3", "!"], text: "questions" },
  { name: "alerts", keys: ["3", "@"], text: "alerts" },
  { name: "palette", keys: ["3", ":"], text: "command" },
  { name: "help", keys: ["3", "?"], text: "help" },
];

/** Resolves to what did not come about; the other shots are made. */
export async function shootTerminal(stage, dir, only) {
  const problems = [];
  if (!shotsOf(stage.ids).some(({ name }) => only.test(name))) return problems;
  const tours = ["dark", "light"].flatMap((theme) => sizes.map((size) => ({ theme, size })));
  // Side by side: most of a tour is waiting until a screen stands still.
  await Promise.all(tours.map((tour) => shootSize(stage, { ...tour, dir, only, problems })));
  return problems;
}

async function shootSize(stage, { theme, size, dir, only, problems }) {
  const { place, repo, env, command, ids } = stage;
  const tmux = new Tmux({
    place,
    cwd: repo,
    env,
    ...size,
    command: `${command} tui --theme ${theme}`,
  });
  try {
    await tmux.until("live");
    for (const shot of shotsOf(ids)) {
      if (!only.test(shot.name)) continue;
      const file = `${shot.name}-${theme}-${size.columns}x${size.rows}.svg`;
      if (!(await reached(tmux, shot, file, problems))) continue;
      const svg = await svgOf(tmux.painted(), { ...size, theme });
      writeFileSync(join(dir, file), svg);
    }
  } finally {
    tmux.close();
  }
}

async function reached(tmux, shot, file, problems) {
  try {
    await reach(tmux, shot);
    return true;
  } catch (error) {
    problems.push(`${file}: ${error.message}`);
    return false;
  }
}

async function reach(tmux, { keys, at, marked, typed, next = [], text }) {
  tmux.keys("Escape");
  await tmux.still(120);
  for (let step = 0; step < 3; step += 1) tmux.keys("Escape");
  await tmux.still(120);
  tmux.keys("3", "g");
  tmux.keys(...keys);
  await tmux.still();
  const goesBefore = at === undefined && marked === undefined;
  if (at !== undefined) await goTo(tmux, at);
  for (const id of marked ?? []) {
    await goTo(tmux, id);
    tmux.keys("Space");
  }
  if (goesBefore && typed !== undefined) tmux.type(typed);
  tmux.keys(...next);
  if (!goesBefore && typed !== undefined) tmux.type(typed);
  if (text !== undefined) await tmux.until(text);
  await tmux.still();
}

const stepsMax = 20;

/** Down from the top until the selected row is the loop's. */
async function goTo(tmux, id) {
  tmux.keys("g");
  for (let step = 0; step < stepsMax; step += 1) {
    await tmux.still(60);
    const rows = rowsOn(tmux.text());
    const from = rows.findIndex(({ isSelected }) => isSelected);
    const to = rows.findIndex((row) => row.id === id);
    if (from === to && to !== -1) return;
    if (to === -1) tmux.keys("PageDown");
    else tmux.keys(...Array(Math.abs(to - from)).fill(to > from ? "j" : "k"));
  }
  throw new Error(`loop ${id} is not in the list:\n${tmux.text()}`);
}

/** The rows of the list that are in sight. */
function rowsOn(text) {
  return [...text.matchAll(/^│([▌ ])[* ] *[▾▸]? *([\d.]+) /gmu)].map(([, mark, id]) => ({
    id,
    isSelected: mark === "▌",
  }));
}
