import { loadLoopTypes } from "../../src/adapters/config/loop-types.ts";
import type { LlmReply, LlmRequest } from "../../src/ports/llm.ts";
import type { LoopType } from "../../src/ports.ts";
import { toolNames } from "../../src/tools/toolset.ts";
import { calls } from "./small-world.ts";

/** What models of plans say and hear in tests. */
const builtIn = loadLoopTypes({ directories: [], repo: null, toolNames });
export const types = ["plan", "spec", "phase"].map((name) => builtIn.get(name) as LoopType);

export function document(title: string, ...lines: readonly string[]): string {
  return ["---", `title: ${title}`, ...lines, "---", `Body of ${title}.`, ""].join("\n");
}

export function creates(...files: readonly (readonly [path: string, content: string])[]): LlmReply {
  return calls(...files.map(([path, content]) => ["write", { path, content }] as const));
}

export function promptOf({ messages }: LlmRequest): string {
  const [part] = messages[0]?.content ?? [];
  return part?.type === "text" ? part.text : "";
}
