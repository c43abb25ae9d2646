import { type AnyCommand, type Grammar, text } from "./grammar.ts";

/** `td config`: what holds, where it comes from, and what held before. */
export function configCommand(grammar: Grammar): AnyCommand {
  const page = () => import("./config.ts");
  const versions = () => import("./config-versions.ts");
  return grammar.group("config", "the configuration: show, check, history, rollback …", [
    grammar
      .command("show", "the configuration as it holds here")
      .option("--origins", "with where each value came from")
      .action((options, self) =>
        grammar.run(self, async (session) => (await page()).showConfig(session, options)),
      ),
    grammar
      .command("check", "is it valid?")
      .action((_, self) => grammar.run(self, async (s) => (await page()).checkConfig(s))),
    grammar
      .command("schema", "its JSON Schema")
      .action((_, self) => grammar.run(self, async (s) => (await page()).schema(s))),
    grammar
      .command("history", "what held here, change by change")
      .action((_, self) => grammar.run(self, async (s) => (await versions()).configHistory(s))),
    grammar
      .command("rollback", "brings the files of a version back, after asking")
      .argument("<version>", "from td config history", text)
      .option("--dry-run", "only say which files")
      .option("--yes", "do not ask")
      .action((id, options, self) =>
        grammar.run(self, async (s) => (await versions()).configRollback(s, id, options)),
      ),
    grammar
      .command("migrate", "brings files of an older format to the newest, after asking")
      .option("--dry-run", "only say which files")
      .option("--yes", "do not ask")
      .action((options, self) =>
        grammar.run(self, async (s) => (await versions()).configMigrate(s, options)),
      ),
  ]);
}
