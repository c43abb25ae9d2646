import { type AnyCommand, choice, type Grammar, text } from "./grammar.ts";

/** Commands that tell of many loops at once. */
export function ledgerCommands(grammar: Grammar): readonly AnyCommand[] {
  return [
    grammar
      .command("watch", "the list of loops as it changes, on a terminal")
      .addHelpText("after", "\nExample:\n  td watch\n")
      .action((_, self) =>
        grammar.run(self, async (session) => (await import("./watch.ts")).watch(session)),
      ),
    grammar
      .command("summary", "what happened since yesterday, what it cost, and who needs you")
      .option("--since <time>", "a time such as 2h, 7d or 2026-01-31T08:00 (default: 24h)", text)
      .addHelpText("after", "\nExamples:\n  td summary\n  td summary --since 7d --json\n")
      .action((options, self) =>
        grammar.run(self, async (session) =>
          (await import("./digest.ts")).digest(session, options),
        ),
      ),
    grammar
      .command("export", "every loop with its numbers, for other programs")
      .addOption(choice("--format <format>", "default: jsonl", ["jsonl", "csv", "md"]))
      .addHelpText("after", "\nExample:\n  td export --format csv > loops.csv\n")
      .action((options, self) =>
        grammar.run(self, async (session) => {
          const { exportLoops } = await import("./export.ts");
          return exportLoops(session, options);
        }),
      ),
  ].map((command) => command.helpGroup("Looking:"));
}
