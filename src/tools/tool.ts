import type { ToolSpec } from "../ports/llm.ts";
import { type CommandResult, type Files, type Redact, ToolRefusal } from "../ports.ts";
import { type ArgumentsOf, checkArguments, type ObjectSchema } from "./arguments.ts";

export interface TodoItem {
  readonly text: string;
  readonly status: "pending" | "in_progress" | "done";
}

/** What the tools of one iteration work with. Made by `openBench`; the tools alone change it. */
export interface ToolBench extends ToolReach {
  /** The version of each file when the model last saw it, by its relative path. */
  readonly reads: Map<string, string>;
  readonly todo: TodoItem[];
}

/** What the engine lends to tools. */
export interface ToolReach {
  readonly files: Files;
  /** Runs a command in the loop's sandbox and worktree. */
  run(command: string, timeoutMs: number, signal: AbortSignal): Promise<CommandResult>;
  /** Gets a URL from the loop's allowed hosts. */
  fetch(url: string, signal: AbortSignal): Promise<string>;
  readonly redact: Redact;
}

/** A fresh bench: a new conversation has read nothing yet. */
export function openBench(reach: ToolReach): ToolBench {
  return { ...reach, reads: new Map(), todo: [] };
}

/** What a tool wants done beyond its worktree. The engine carries it out. */
export type ToolEffect =
  | { readonly type: "complete"; readonly summary: string }
  | { readonly type: "ask"; readonly question: string }
  | { readonly type: "alert"; readonly topic: string; readonly body: string }
  | {
      readonly type: "query";
      readonly to: string;
      readonly question: string;
      readonly timeoutMs: number;
    }
  | { readonly type: "share"; readonly to: string; readonly body: string }
  | { readonly type: "reply"; readonly queryId: string; readonly answer: string }
  | { readonly type: "stop"; readonly to: string; readonly reason: string };

export interface ToolOutcome {
  readonly text: string;
  readonly isError: boolean;
  readonly effect: ToolEffect | null;
}

export interface Tool extends ToolSpec {
  /** Rejects with ToolRefusal, with what an adapter throws, or with the signal's reason. */
  run(input: unknown, bench: ToolBench, signal: AbortSignal): Promise<ToolOutcome>;
}

/** A tool whose `run` gets arguments that fit its schema. */
export function defineTool<const S extends ObjectSchema>(tool: {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: S;
  run(input: ArgumentsOf<S>, bench: ToolBench, signal: AbortSignal): Promise<ToolOutcome>;
}): Tool {
  const schema: ObjectSchema = tool.inputSchema;
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: { ...schema },
    run: async (input, bench, signal) => {
      const checked = checkArguments(tool.inputSchema, input);
      if (!checked.ok) throw new ToolRefusal(`${tool.name}: ${checked.problems.join("; ")}`);
      return tool.run(checked.value, bench, signal);
    },
  };
}

/** The outcome of a tool that did what was asked. */
export function done(text: string, effect: ToolEffect | null = null): ToolOutcome {
  return { text, isError: false, effect };
}
