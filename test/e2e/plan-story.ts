/** A plan with two specs, one after the other, and seven phases; what its model says, and its end. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { FeedEvent } from "../../src/protocol/door.ts";
import type { Desk } from "./program.ts";
import { done, read, shell, type ToolCall, type Turn, write } from "./support.ts";

/** Of the first spec; they can be carried out side by side. */
export const words: readonly string[] = ["ant", "bee", "cat", "dog", "eel"];
/** Of the second: they need all words of the first. */
const indexes: readonly string[] = ["index", "index-by-length"];

/** Each word's file says its name, and there is no index before there are all words. */
export const storyFiles = {
  "check.sh": `#!/bin/sh
for file in words/*.txt; do
  [ "$(cat "$file")" = "$(basename "$file" .txt)" ] || { echo "$file is wrong"; exit 1; }
done
ls words/index*.txt >/dev/null 2>&1 || exit 0
for word in ${words.join(" ")}; do
  [ -f "words/$word.txt" ] || { echo "an index without $word"; exit 1; }
done
`,
  "all.sh": `cd words && ls ${words.map((word) => `${word}.txt`).join(" ")}\n`,
  "words/start.txt": "start\n",
};

/** What the first spec asks for: only its last word can pass it. */
export const allOfThem = "sh all.sh";

function document(path: string, title: string, ...lines: readonly string[]): ToolCall {
  const text = ["---", `title: ${title}`, ...lines, "---", `How to do ${title}.`, ""].join("\n");
  return write(`.td-out/${path}`, text);
}

const planned: Turn = [
  document("plan.md", "The whole plan"),
  document("specs/01-words.md", "Spec of words", `validate: ${allOfThem}`),
  document("specs/02-indexes.md", "Spec of indexes", "depends-on: [01-words]"),
];

function phasesOf(titles: readonly string[]): Turn {
  return titles.map((title, index) => document(`phases/0${index + 1}-${title}.md`, title));
}

/** The first word is wrong in its first iteration. */
function ralphTurn(title: string, iteration: number, turn: number): Turn {
  const path = `words/${title}.txt`;
  const isHasty = title === words[0] && iteration === 1;
  return [[read(path)], [write(path, isHasty ? "hasty\n" : `${title}\n`)]][turn] ?? [done];
}

function turnOf(text: string, turn: number): Turn {
  const title = titleOf(text);
  if (text.includes("/specs/NN")) {
    return turn === 0 && text.includes("pass 1 of 5") ? planned : [done];
  }
  const phases = title === "Spec of words" ? words : indexes;
  if (text.includes("/phases/NN")) return turn === 0 ? phasesOf(phases) : [done];
  if (text.includes("/ralphs/NN")) return [done];
  const iteration = Number(/, iteration (\d+) of at most /.exec(text)?.[1] ?? 0);
  return ralphTurn(title, iteration, turn);
}

function titleOf(text: string): string {
  return /```title\n(.*)\n/.exec(text)?.[1] ?? "";
}

const latencyMs = 60;
/** Whoever is early waits so long for the others, so that all are seen side by side. */
const togetherMs = 2_000;

/** A model that keeps to the story, however often it is asked. */
export function storyModel(): Policy {
  const begun = new Set<string>();
  return ({ text, turn }) => {
    const calls = turnOf(text, turn).filter((part) => typeof part !== "string");
    const title = titleOf(text);
    const isFirst = words.includes(title) && !text.includes("/ralphs/NN");
    if (isFirst) begun.add(title);
    const waits = isFirst && turn === 0 && begun.size < words.length;
    return {
      tools: calls.map(({ name, input }) => ({ name, input: { ...input } })),
      "latency-ms": waits ? togetherMs : latencyMs,
    };
  };
}

/** All that comes of the plan, by id. */
export const storyLoops: readonly string[] = [
  ...["1", "1.1", "1.2"],
  ...words.flatMap((_, index) => [`1.1.${index + 1}`, `1.1.${index + 1}.1`]),
  ...indexes.flatMap((_, index) => [`1.2.${index + 1}`, `1.2.${index + 1}.1`]),
];

export const storyRalphs: readonly string[] = storyLoops.filter((id) => id.split(".").length === 4);
export const storyTitles: readonly string[] = [...words, ...indexes];

/** The tree that the plan ends with, whatever happened on the way; `more` are files of a person. */
export async function storyTree(
  { repo, place }: Desk,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const clone = join(place, "expected");
  await shell(place, `git clone --quiet '${repo}' '${clone}'`);
  await shell(clone, `git checkout --quiet --detach "$(git rev-list --max-parents=0 HEAD)"`);
  for (const title of storyTitles) {
    await writeFile(join(clone, "words", `${title}.txt`), `${title}\n`);
  }
  for (const [path, text] of Object.entries(more)) await writeFile(join(clone, path), text);
  return (await shell(clone, "git add --all; git write-tree")).trim();
}

/** The commits of a range whose own tree does not pass the check, each in a clone of its own. */
export async function redCommits({ repo, place }: Desk, range: string): Promise<string> {
  return shell(
    repo,
    `git clone --quiet . '${place}/clone-red'; cd '${place}/clone-red'
     git fetch --quiet origin '+refs/heads/*:refs/heads/theirs/*'
     for commit in $(git -C '${repo}' rev-list ${range}); do
       git checkout --quiet --detach $commit; sh ./check.sh >/dev/null || echo $commit; done`,
  );
}

/** How many of the ralphs were at work at once, at most. */
export function mostAtWork(events: readonly FeedEvent[]): number {
  const atWork = new Set<string>();
  let most = 0;
  for (const { type, loop, data } of events) {
    if (type !== "loop.status" || loop === null || !storyRalphs.includes(loop)) continue;
    if ((data as { to: string }).to === "running") atWork.add(loop);
    else atWork.delete(loop);
    most = Math.max(most, atWork.size);
  }
  return most;
}
