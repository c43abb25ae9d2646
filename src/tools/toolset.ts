import { Bug } from "../core/assert.ts";
import { didYouMean } from "../core/did-you-mean.ts";
import { serverOf } from "../ports/tool-servers.ts";
import { StoreBroken, ToolRefusal } from "../ports.ts";
import { alert, askPerson, query, reply, share, stopLoop } from "./coordination-tools.ts";
import { cutEnd, cutMiddle } from "./cut.ts";
import { edit } from "./edit.ts";
import { read, write } from "./file-tools.ts";
import { bash, fetch } from "./run-tools.ts";
import { glob, grep, list } from "./search-tools.ts";
import { completeTask, todo } from "./task-tools.ts";
import type { Tool, ToolBench, ToolOutcome } from "./tool.ts";

/** Of any text that a tool gives a model. */
export const resultCharsMax = 60_000;
const nameCharsMax = 60;

const all: readonly Tool[] = [
  read,
  write,
  edit,
  list,
  glob,
  grep,
  bash,
  fetch,
  todo,
  alert,
  query,
  share,
  reply,
  stopLoop,
  askPerson,
  completeTask,
];

/** What a loop type may name under `tools`. */
export const toolNames: readonly string[] = all.map(({ name }) => name);

/** A loop type names a tool that does not exist. */
export class UnknownTool extends Error {}

/**
 * The tools of those names, in our order, each once, and those that servers have lent for names of
 * theirs. Throws UnknownTool.
 */
export function toolset(names: readonly string[], lent: readonly Tool[] = []): readonly Tool[] {
  for (const name of names) {
    if (toolNames.includes(name) || serverOf(name) !== null) continue;
    throw new UnknownTool(`there is no tool ${name}: ${hint(name, toolNames)}`);
  }
  return [...all.filter(({ name }) => names.includes(name)), ...lent];
}

/**
 * One tool call of a model. Whatever goes wrong is an outcome with a sentence for the model; only
 * a Bug, StoreBroken and the signal's reason are thrown. The text is redacted and bounded.
 */
export async function callTool(
  tools: readonly Tool[],
  call: { readonly name: string; readonly input: unknown },
  bench: ToolBench,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  signal.throwIfAborted();
  const outcome = await outcomeOf(tools, call, bench, signal);
  const text = cutMiddle(bench.redact(outcome.text.toWellFormed()), resultCharsMax);
  return { ...outcome, text };
}

async function outcomeOf(
  tools: readonly Tool[],
  { name, input }: { readonly name: string; readonly input: unknown },
  bench: ToolBench,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  try {
    const tool = tools.find((each) => each.name === name);
    if (tool === undefined) throw new ToolRefusal(notThere(name, tools));
    return await tool.run(input, bench, signal);
  } catch (error) {
    if (error instanceof Bug || error instanceof StoreBroken) throw error;
    signal.throwIfAborted();
    return { text: sentence(error, name), isError: true, effect: null };
  }
}

function notThere(name: string, tools: readonly Tool[]): string {
  const names = tools.map((tool) => tool.name);
  const what = toolNames.includes(name)
    ? `this loop may not use ${name}`
    : `there is no tool ${cutEnd(name, nameCharsMax)}`;
  return `${what}: ${hint(name, names)}`;
}

function hint(name: string, known: readonly string[]): string {
  const meant = didYouMean(name, known);
  const list = known.length === 0 ? "there are no tools" : `the tools are ${known.join(", ")}`;
  return meant === null ? list : `did you mean ${meant}? ${list}`;
}

/** A refusal speaks for itself; of the machine's trouble the model learns what it was. */
function sentence(error: unknown, name: string): string {
  if (error instanceof ToolRefusal) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return `${name} failed: ${message}`;
}
