/** The texts that the detail shows, fetched and painted as the command line does. */
import { budgetText } from "../cli/budget-text.ts";
import { diffText } from "../cli/diff.ts";
import { documentsText, draftText } from "../cli/draft.ts";
import type { Look } from "../cli/look.ts";
import { cost, duration, short, tokens } from "../cli/numbers.ts";
import { recordText } from "../cli/replay.ts";
import { whyText } from "../cli/show.ts";
import { oneLine } from "../cli/text.ts";
import { logLine } from "../cli/transcript.ts";
import { treeText } from "../cli/tree.ts";
import type { Door } from "../protocol/door.ts";
import { treeOf } from "../views/graph.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { Effect, PageName } from "./model.ts";
import { paintedLines } from "./painted.ts";
import { type Line, plainLine } from "./style.ts";

/** In colours that become styles; as wide as it is, for a pane breaks lines itself. */
const look: Look = { colour: true, width: null };
const diffCharsMax = 2_000_000;
const iterationsShown = 3;

type Asked = Extract<Effect, { readonly type: "load" }>;

export async function textOf(door: Door, asked: Asked): Promise<readonly Line[]> {
  const [id = "", other = ""] = asked.ids;
  if (asked.page === "compare") return compared(await door.loop(id), await door.loop(other));
  if (asked.page !== "replay") return texts[asked.page](door, id);
  if (asked.iteration === null) return [];
  return paintedLines(recordText(await door.record(id, asked.iteration), look));
}

const texts: Readonly<
  Record<
    Exclude<PageName, "replay" | "compare">,
    (door: Door, id: string) => Promise<readonly Line[]>
  >
> = {
  documents: async (door, id) => {
    const draft = await door.draft(id);
    if (draft.documents.length === 0) return paintedLines(oneTask(draft.task));
    return paintedLines(`${draftText(draft, look)}\n\n${documentsText(draft, look)}`);
  },
  graph: async (door, id) => {
    const loops = await door.loops({ status: null, type: null, plan: id });
    const draft = await door.draft(id);
    const tree = treeText(treeOf(loops, id), look);
    return paintedLines(draft.status === "draft" ? `${tree}\n\n${draftText(draft, look)}` : tree);
  },
  output,
  diff: async (door, id) => {
    const text = await door.diff(id);
    if (text === "") return [plainLine("It has changed nothing yet.")];
    const cutAt = text.length > diffCharsMax ? "\n… the rest: td diff" : "";
    return paintedLines(diffText(text.slice(0, diffCharsMax) + cutAt, look));
  },
  verdict: async (door, id) => verdictLines(await door.loop(id)),
  cost: async (door, id) => costLines(await door.loop(id)),
  why: async (door, id) => paintedLines(whyText(await door.why(id), look)),
};

function oneTask(task: string): string {
  return `── task ──\n${task
    .split("\n")
    .map((line) => oneLine(line))
    .join("\n")}`;
}

/** The newest iterations, a line for everything that went on. */
async function output(door: Door, id: string): Promise<readonly Line[]> {
  const known = await door.iterations(id);
  const lines: Line[] = [];
  for (const iteration of known.slice(-iterationsShown)) {
    const { entries } = await door.record(id, iteration);
    const title = iteration === 0 ? "before any work" : `iteration ${iteration}`;
    lines.push(...paintedLines(`\u001b[1m── ${title}\u001b[22m`));
    for (const entry of entries) lines.push(...paintedLines(logLine(entry, look)));
  }
  return lines;
}

type Fact = readonly [label: string, value: string | null];

function verdictLines({ verdict, baseline, delivered }: LoopView): readonly Line[] {
  const facts: Fact[] = [
    ...verdictFacts("verdict", verdict),
    ...verdictFacts("on the base", baseline),
    ["delivered", delivered === null ? null : `${delivered.to} (${short(delivered.commit)})`],
  ];
  const lines = factLines(facts);
  return lines.length === 0 ? [plainLine("No verdict yet.")] : lines;
}

function verdictFacts(name: string, verdict: LoopView["verdict"]): Fact[] {
  if (verdict === null) return [];
  const { passed, exitCode, command, durationMs, commit, tests, note } = verdict;
  const colour = passed ? 32 : 31;
  const words = `${passed ? "✓ passed" : "✗ did not pass"}, ${exitCode === null ? "killed" : `exit code ${exitCode}`}`;
  return [
    [name, `\u001b[${colour}m${words}\u001b[39m`],
    ["command", oneLine(command)],
    ["commit", short(commit)],
    ["took", duration(durationMs)],
    [
      "tests",
      tests === null ? null : `${oneLine(tests.runner)}: ${tests.ran} ran, ${tests.failed} failed`,
    ],
    ["note", note === null ? null : oneLine(note)],
  ];
}

function costLines({ usage, model, iteration, maxIterations, budget }: LoopView): readonly Line[] {
  return factLines([
    ["cost", cost(usage.costUsd)],
    ["budget", budget === undefined ? null : budgetText(budget)],
    ["model", oneLine(model)],
    ["requests", String(usage.requests)],
    ["input", `${tokens(usage.inputTokens)} tokens`],
    ["output", `${tokens(usage.outputTokens)} tokens`],
    ["cache read", `${tokens(usage.cacheReadTokens)} tokens`],
    ["cache written", `${tokens(usage.cacheWriteTokens)} tokens`],
    ["iterations", `${iteration} of ${maxIterations}`],
  ]);
}

const labelColumns = 14;

function factLines(facts: readonly Fact[]): readonly Line[] {
  const told = facts.flatMap(([label, value]) =>
    value === null ? [] : [`\u001b[2m${label.padEnd(labelColumns)}\u001b[22m${value}`],
  );
  return told.length === 0 ? [] : paintedLines(told.join("\n"));
}

function timeOf(iso: string): string {
  return iso.replace("T", " ").slice(0, 19);
}

/** Fact by fact, one above the other, what differs marked. */
function compared(a: LoopView, b: LoopView): readonly Line[] {
  const facts = (view: LoopView): Readonly<Record<string, string>> => ({
    title: oneLine(view.title),
    type: view.type,
    status: view.status,
    model: oneLine(view.model),
    iterations: `${view.iteration} of ${view.maxIterations}`,
    cost: cost(view.usage.costUsd),
    requests: String(view.usage.requests),
    "output tokens": tokens(view.usage.outputTokens),
    command: oneLine(view.verdict?.command ?? "-"),
    verdict: view.verdict === null ? "-" : view.verdict.passed ? "passed" : "did not pass",
    delivered: oneLine(view.delivered?.to ?? "-"),
    created: timeOf(view.createdAt),
    updated: timeOf(view.updatedAt),
  });
  const [left, right] = [facts(a), facts(b)];
  const lines = Object.keys(left).flatMap((name) => {
    const isSame = left[name] === right[name];
    const head = `${isSame ? " " : "≠"} ${name}`.padEnd(labelColumns + 2);
    const paint = (text: string) => (isSame ? text : `\u001b[33m${text}\u001b[39m`);
    return [
      `\u001b[2m${head}\u001b[22m${a.id.padEnd(8)} ${paint(left[name] ?? "")}`,
      `${" ".repeat(labelColumns + 2)}${b.id.padEnd(8)} ${paint(right[name] ?? "")}`,
    ];
  });
  return paintedLines(lines.join("\n"));
}
