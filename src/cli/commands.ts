import type { CliWorld } from "./cli-world.ts";
import { addRun } from "./commands-run.ts";
import type { Grammar } from "./grammar.ts";

/** The whole tree. */
export function addCommands(grammar: Grammar, _world: CliWorld): void {
  addRun(grammar);
}
