import { controlCommands } from "./commands-control.ts";
import { daemonCommand, daemonCommands } from "./commands-daemon.ts";
import { ledgerCommands } from "./commands-ledger.ts";
import { mailCommands } from "./commands-mail.ts";
import { pictureCommands, planCommands } from "./commands-plan.ts";
import { readCommands } from "./commands-read.ts";
import { chatCommand, runCommand } from "./commands-run.ts";
import { setupCommands, tabCommand } from "./commands-setup.ts";
import { addExamples } from "./examples.ts";
import type { Grammar } from "./grammar.ts";

/** The whole tree. */
export function addCommands(grammar: Grammar): void {
  const commands = [
    runCommand(grammar),
    chatCommand(grammar),
    ...readCommands(grammar),
    ...ledgerCommands(grammar),
    ...pictureCommands(grammar),
    ...planCommands(grammar),
    ...controlCommands(grammar),
    ...mailCommands(grammar),
    ...daemonCommands(grammar),
    ...setupCommands(grammar),
  ];
  for (const command of commands) grammar.root.addCommand(command);
  addExamples(grammar.root);
  grammar.root.addCommand(tabCommand(grammar), { hidden: true });
  grammar.root.addCommand(daemonCommand(grammar), { hidden: true });
}
