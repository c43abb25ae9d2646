import { type AnyCommand, choice, type Grammar, loopId, text, whole } from "./grammar.ts";
import { statuses } from "./look.ts";

const iterationMax = 100_000;

/** Commands that look and change nothing. */
export function readCommands(grammar: Grammar): readonly AnyCommand[] {
  return [
    listCommand(grammar),
    grammar
      .command("show", "everything about one loop")
      .argument("<id>", "a loop (td list)", loopId)
      .option("--documents", "the documents it has written, and what is likely to come of them")
      .action((id, options, self) =>
        grammar.run(self, async (session) =>
          (await import("./show.ts")).show(session, id, options),
        ),
      ),
    grammar
      .command("why", "why a loop is where it is, and what would change that")
      .argument("<id>", "a loop (td list)", loopId)
      .action((id, _, self) =>
        grammar.run(self, async (session) => (await import("./show.ts")).why(session, id)),
      ),
    logsCommand(grammar),
    grammar
      .command("diff", "what a loop has changed since its base")
      .argument("<id>", "a loop (td list)", loopId)
      .addHelpText("after", "\nExample:\n  td diff 3 | git apply --stat\n")
      .action((id, _, self) =>
        grammar.run(self, async (session) => (await import("./diff.ts")).diff(session, id)),
      ),
    replayCommand(grammar),
    reportCommand(grammar),
    eventsCommand(grammar),
    tuiCommand(grammar),
  ].map((command) => command.helpGroup("Looking:"));
}

function listCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("list", "the loops there are")
    .addOption(choice("--status <status>", "only of this status", statuses))
    .option("--type <type>", "only of this type", text)
    .option("--plan <id>", "only what belongs to this plan", loopId)
    .addHelpText(
      "after",
      "\nExamples:\n  td list --status blocked\n  td list --json | jq '.[].id'\n",
    )
    .action((options, self) =>
      grammar.run(self, async (session) => (await import("./list.ts")).list(session, options)),
    );
}

function logsCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("logs", "what went on in a loop, a line each; with --json its events (a stream)")
    .argument("<id>", "a loop (td list)", loopId)
    .option("-f, --follow", "go on until the loop rests")
    .option("--iteration <n>", "only this one; 0 is before any work", whole(0, iterationMax))
    .addHelpText("after", "\nExamples:\n  td logs 3 -f\n  td logs 3 --iteration 2\n")
    .action((id, options, self) =>
      grammar.run(self, async (session) => (await import("./logs.ts")).logs(session, id, options)),
    );
}

function replayCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("replay", "the whole record: prompts, replies, tools, validation, changes, cost")
    .argument("<id>", "a loop (td list)", loopId)
    .option("--iteration <n>", "only this one; 0 is before any work", whole(0, iterationMax))
    .addHelpText("after", "\nExample:\n  td replay 3 --iteration 1 | less -R\n")
    .action((id, options, self) =>
      grammar.run(self, async (session) => {
        const { replay } = await import("./replay.ts");
        return replay(session, id, options);
      }),
    );
}

function reportCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("report", "the evidence of a loop or a plan, for who reviews it")
    .argument("<id>", "a loop (td list)", loopId)
    .addOption(choice("--format <format>", "how it is written (default: md)", ["md", "html"]))
    .option("--out <file>", "write it there; a name ending in .html is HTML", text)
    .addHelpText("after", "\nExamples:\n  td report 7 | less\n  td report 7 --out report.html\n")
    .action((id, options, self) =>
      grammar.run(self, async (session) => {
        const { report } = await import("./report.ts");
        return report(session, id, options);
      }),
    );
}

function eventsCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("events", "the event feed (a stream)")
    .option("--from <seq>", "begin with this number", whole(1, Number.MAX_SAFE_INTEGER))
    .option("-f, --follow", "go on until Ctrl-C")
    .addHelpText("after", "\nExample:\n  td events --from 100 -f --json\n")
    .action((options, self) =>
      grammar.run(self, async (session) => {
        const { events } = await import("./events.ts");
        return events(session, options);
      }),
    );
}

function tuiCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command(
      "tui",
      "the screen: chat, plans, loops, records and events, live; ? in it explains the keys",
    )
    .option("--no-mouse", "leave the mouse to the terminal")
    .addOption(choice("--theme <theme>", "colours for this background", ["dark", "light", "plain"]))
    .option("--restore-terminal", "mend a terminal that a killed td left behind")
    .action((options, self) => grammar.run(self, (session) => session.world.tui(session, options)));
}
