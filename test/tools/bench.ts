import { canAnchor } from "../../src/adapters/files/directory.ts";
import type { CommandResult } from "../../src/ports.ts";
import {
  openBench,
  type ToolBench,
  type ToolOutcome,
  type ToolReach,
} from "../../src/tools/tool.ts";
import { callTool, toolNames, toolset } from "../../src/tools/toolset.ts";
import { type DiskPlace, diskPlace } from "../adapters/files/worktree.ts";

/** A model's hands: a bench on a worktree on disk, and calls in the model's own words. */
export interface Hands extends DiskPlace {
  readonly bench: ToolBench;
  call(name: string, input: unknown, signal?: AbortSignal): Promise<ToolOutcome>;
  /** The text of a call; an error begins with "✗ ". */
  say(name: string, input: unknown): Promise<string>;
}

export function result(more: Partial<CommandResult>): CommandResult {
  const output = more.output ?? "";
  return {
    exitCode: 0,
    ended: "exited",
    output,
    stdout: output,
    stderr: "",
    durationMs: 1,
    ...more,
  };
}

export async function openHands(reach: Partial<ToolReach> = {}): Promise<Hands> {
  const place = await diskPlace({ anchored: canAnchor, ripgrep: "rg" });
  const bench = openBench({
    files: place.files,
    run: async (command) => result({ output: `ran ${command}` }),
    fetch: async (url) => `page of ${url}`,
    redact: (text) => text.replaceAll("hunter2", "[redacted]"),
    ...reach,
  });
  const tools = toolset(toolNames);
  const never = new AbortController().signal;
  const call: Hands["call"] = (name, input, signal = never) =>
    callTool(tools, { name, input }, bench, signal);
  return {
    ...place,
    bench,
    call,
    async say(name, input) {
      const { text, isError } = await call(name, input);
      return isError ? `✗ ${text}` : text;
    },
  };
}
