import type { Loop } from "../core/loop.ts";
import type { Attempt } from "./engine.ts";

/**
 * The next iteration goes by the type as it is by now: its prompts, its tools, its passes. What the
 * loop is judged by and confined to was settled when it was made. A type that has turned from code
 * to documents, or back, waits for the next attempt.
 */
export function withNewestType(doing: Attempt, loop: Loop): Attempt {
  const { engine, output } = doing;
  const type = engine.world.loopTypes.get(loop.type);
  if (type === null || (type.begets === null) !== (output === null)) return doing;
  if (output === null || type.begets === null) return { ...doing, type };
  return { ...doing, type, output: { ...output, work: type.begets } };
}
