import type { Reply } from "../mock-llm/scenario.ts";
import type { Policy } from "../mock-llm/script.ts";
import { type Change, phaseDocuments, planDocuments, settledChanges, work } from "./demo-story.ts";

type Call = NonNullable<Reply["tools"]>[number];

/** The model of `td demo`: no model at all, but one that reads its prompt and keeps to the story. */
export function demoModel(speed: number): Policy {
  const pace = { "latency-ms": Math.round(100 / speed), "tokens-per-second": 400 * speed };
  const story = new Story();
  return ({ text, turn }) => {
    const { say, calls, fault } = story.turn(text, turn);
    const busy = fault === undefined ? {} : { fault };
    return { ...pace, ...busy, text: say, tools: calls, usage: usageOf(text, turn) };
  };
}

interface Turn {
  readonly say: string;
  readonly calls: Call[];
  readonly fault?: Reply["fault"];
}

/** Remembers nothing of the work: what is left of it is seen in the files, as they were read. */
class Story {
  /** The provider is busy once, and says for how long. */
  #isBusy = true;

  turn(text: string, turn: number): Turn {
    const title = /```title\n(.*)\n/.exec(text)?.[1] ?? "";
    if (text.includes("/specs/NN")) return this.#plan(text, turn);
    if (text.includes("/phases/NN")) return writes(phaseDocuments[title] ?? {}, turn);
    if (text.includes("/ralphs/NN")) return claim("One ralph can do it.");
    return this.#ralph(work[title] ?? [], text, turn);
  }

  #plan(text: string, turn: number): Turn {
    if (text.includes("pass 1 of")) return writes(planDocuments, turn);
    if (turn > 0) return claim("Read again; it stands.");
    return { say: "I read the plan again.", calls: [read(".td-out/plan.md")] };
  }

  #ralph(steps: readonly (readonly Change[])[], text: string, turn: number): Turn {
    if (turn > 1) return claim("That is all of it.");
    if (turn === 0) {
      const paths = new Set(steps.flat().map(({ path }) => path));
      const { calls, say } = { say: "I look first.", calls: [...paths].map(read) };
      const isFirst = this.#isBusy && paths.has("src/parse-duration.js");
      if (isFirst) this.#isBusy = false;
      return isFirst ? { say, calls, fault: { status: 429, "retry-after": 2 } } : { say, calls };
    }
    const settled = text.includes("<<<<<<<") ? [write("CHANGELOG.md", settledChanges)] : [];
    const done = steps.findLastIndex((step) =>
      step.every((change) => text.includes(markOf(change))),
    );
    const changes = steps[done + 1] ?? [];
    return { say: "Now I change it.", calls: [...settled, ...changes.map(callOf)] };
  }
}

/** A line that is there once the change is made. */
function markOf(change: Change): string {
  const lines = ("content" in change ? change.content : change.to).split("\n");
  return lines.reduce((longest, line) => (line.length > longest.length ? line : longest)).trim();
}

function writes(documents: Readonly<Record<string, string>>, turn: number): Turn {
  if (turn > 0) return claim("The documents are written.");
  const calls = Object.entries(documents).map(([path, text]) => write(`.td-out/${path}`, text));
  return { say: "I write it down.", calls };
}

function claim(summary: string): Turn {
  return { say: summary, calls: [{ name: "complete_task", input: { summary } }] };
}

function callOf(change: Change): Call {
  if ("content" in change) return write(change.path, change.content);
  const { path, from, to } = change;
  return { name: "edit", input: { path, old_string: from, new_string: to } };
}

function read(path: string): Call {
  return { name: "read", input: { path } };
}

function write(path: string, content: string): Call {
  return { name: "write", input: { path, content } };
}

function usageOf(text: string, turn: number) {
  const tokens = Math.ceil(text.length / 4);
  return {
    input_tokens: turn === 0 ? tokens : 200,
    cache_read_input_tokens: turn === 0 ? 0 : tokens,
    cache_creation_input_tokens: turn === 0 ? tokens : 200,
    output_tokens: 80,
  };
}
