import type { AnyCommand } from "./grammar.ts";

/** By command: examples of those whose definition has none of its own. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  "td show": ["td show 3", "td show 7 --documents"],
  "td why": ["td why 3"],
  "td tui": ["td tui"],
  "td tree": ["td tree", "td tree 7"],
  "td dead-letters list": ["td dead-letters"],
  "td dead-letters requeue": ["td dead-letters requeue m4"],
  "td dead-letters drop": ["td dead-letters drop m4"],
  "td restart": ["td restart", "td restart --now"],
  "td status": ["td status", "td status --json | jq .loops"],
  "td ping": ["td ping"],
  "td queue": ["td queue"],
  "td notify test": ["td notify test"],
  "td service print": ["td service print"],
  "td service install": ["td service install"],
  "td service uninstall": ["td service uninstall"],
  "td purge": ["td purge", "td purge --branches --yes"],
  "td demo": ["td demo", "td demo --keep --speed 4"],
  "td doctor": ["td doctor"],
  "td init": ["td init", "td init --yes"],
  "td types list": ["td types"],
  "td types show": ["td types show ralph"],
  "td types explain": ["td types explain ralph"],
  "td types test": ["td types test", "td types test loops"],
  "td config show": ["td config show --origins"],
  "td config check": ["td config check"],
  "td config schema": ["td config schema > taskdaemon.schema.json"],
  "td config history": ["td config history"],
  "td config rollback": ["td config rollback 40a263897738"],
  "td config migrate": ["td config migrate"],
  "td store verify": ["td store verify"],
  "td store repair": ["td store repair"],
  "td store snapshot": ["td store snapshot"],
  "td store compact": ["td store compact"],
  "td store backup": ["td store backup taskdaemon.backup"],
  "td store restore": ["td store restore taskdaemon.backup"],
  "td store at": ["td store at 120"],
  "td audit verify": ["td audit verify"],
  "td trash list": ["td trash"],
  "td trash restore": ["td trash restore 3-1700000000000"],
  "td trash empty": ["td trash empty"],
};

/** Adds them to the tree of commands below `command`. */
export function addExamples(command: AnyCommand, path = command.name()): void {
  const lines = examples[path];
  if (lines !== undefined) {
    const title = lines.length === 1 ? "Example" : "Examples";
    command.addHelpText("after", `\n${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`);
  }
  for (const child of command.commands) addExamples(child, `${path} ${child.name()}`);
}
