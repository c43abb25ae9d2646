import { configCommand } from "./commands-config.ts";
import {
  type AnyCommand,
  choiceArgument,
  type Grammar,
  loopId,
  positive,
  text,
  whole,
} from "./grammar.ts";
import { shells } from "./shells.ts";

const portMax = 65_535;
const speedMax = 1_000;

/** Commands around the work: the machine, the repository, the home. */
export function setupCommands(grammar: Grammar): readonly AnyCommand[] {
  return [
    demoCommand(grammar),
    grammar
      .command("doctor", "is this machine, and this repository, ready?")
      .action((_, self) =>
        grammar.run(self, async (session) => (await import("./doctor.ts")).doctor(session)),
      ),
    grammar
      .command("init", "writes a commented taskdaemon.yml for this repository, after asking")
      .option("--yes", "do not ask")
      .action((options, self) =>
        grammar.run(self, async (session) => (await import("./init.ts")).init(session, options)),
      ),
    typesGroup(grammar),
    configCommand(grammar),
    storeGroup(grammar),
    auditGroup(grammar),
    trashGroup(grammar),
    mockCommand(grammar),
    completionsCommand(grammar),
  ].map((command) => command.helpGroup("Around it:"));
}

function demoCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("demo", "the whole way with a scripted model: no key, no account, no cost")
    .option("--keep", "keep the sample repository")
    .option("--speed <n>", "so many times faster", positive(speedMax, "a number"), 1)
    .action((options, self) =>
      grammar.run(self, async (session) => (await import("./servers.ts")).demo(session, options)),
    );
}

function mockCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("mock-llm", "a scriptable model server; the first line is its URL")
    .option("--port <n>", "0 picks a free one", whole(0, portMax))
    .option("--scenario <file>", "what it answers (YAML or JSON)", text)
    .addHelpText("after", "\nExample:\n  td mock-llm --port 4010 --scenario replies.yml\n")
    .action((options, self) =>
      grammar.run(self, async (session) => {
        const { mockLlm } = await import("./servers.ts");
        return mockLlm(session, options);
      }),
    );
}

function typesGroup(grammar: Grammar): AnyCommand {
  return grammar.group("types", "the types of loop: list, show, explain, test", [
    grammar
      .command("list", "the types there are")
      .action((_, self) =>
        grammar.run(self, async (session) => (await import("./types.ts")).listTypes(session)),
      ),
    grammar
      .command("test", "runs the tests beside loop types, with a scripted model and no key")
      .argument("[dir]", "a directory of types (default: .taskdaemon/loops)", text)
      .action((dir, _, self) =>
        grammar.run(self, async (session) => (await import("./types.ts")).testTypes(session, dir)),
      ),
    grammar
      .command("show", "a definition as written")
      .argument("<type>", "a type of loop", text)
      .action((name, _, self) =>
        grammar.run(self, async (session) => (await import("./types.ts")).showType(session, name)),
      ),
    grammar
      .command("explain", "where each value came from, and what the prompts become")
      .argument("<type>", "a type of loop", text)
      .action((name, _, self) =>
        grammar.run(self, async (session) => {
          const { explainType } = await import("./types.ts");
          return explainType(session, name);
        }),
      ),
  ]);
}

const archivedDaysMax = 36_500;

function storeGroup(grammar: Grammar): AnyCommand {
  const command = (what: "verify" | "repair", description: string) =>
    grammar
      .command(what, description)
      .action((_, self) =>
        grammar.run(self, async (session) => (await import("./store.ts")).store(session, what)),
      );
  const page = () => import("./store.ts");
  return grammar.group("store", "the event log: verify, repair, snapshot, compact, backup …", [
    command("verify", "is every event there and whole?"),
    command("repair", "keeps what is whole and puts the rest aside"),
    grammar
      .command("snapshot", "saves the sum of the log, so that a start need not read all of it")
      .action((_, self) => grammar.run(self, async (s) => (await page()).snapshot(s))),
    grammar
      .command("compact", "puts old segments of the log into its archive")
      .option("--delete-after <days>", "delete what is archived longer", whole(0, archivedDaysMax))
      .action((options, self) =>
        grammar.run(self, async (s) => (await page()).compact(s, options)),
      ),
    grammar
      .command("backup", "writes the whole log into one file, also beside a running daemon")
      .argument("<file>", "must not exist yet", text)
      .action((file, _, self) => grammar.run(self, async (s) => (await page()).backup(s, file))),
    grammar
      .command("restore", "makes a backup the log of this home")
      .argument("<file>", "from td store backup", text)
      .option("--force", "put the log that is there aside")
      .action((file, options, self) =>
        grammar.run(self, async (s) => (await page()).restore(s, file, options)),
      ),
    grammar
      .command("at", "shows all loops as they were after an event")
      .argument("<seq>", "the number of the event (td events)", whole(1, Number.MAX_SAFE_INTEGER))
      .action((seq, _, self) => grammar.run(self, async (s) => (await page()).at(s, seq))),
  ]);
}

function auditGroup(grammar: Grammar): AnyCommand {
  return grammar.group("audit", "what was done by whom: list, verify", [
    grammar
      .command("list", "every act, in order (a stream with --json)")
      .option("--loop <id>", "only of this loop", loopId)
      .option("--since <time>", "only from then on: 2h, 7d, or a time", text)
      .addHelpText("after", "\nExamples:\n  td audit list --loop 3\n  td audit list --since 2h\n")
      .action((options, self) =>
        grammar.run(self, async (session) => {
          const { listAudit } = await import("./audit.ts");
          return listAudit(session, options);
        }),
      ),
    grammar
      .command("verify", "is every record there, and as it was written?")
      .action((_, self) =>
        grammar.run(self, async (session) => (await import("./audit.ts")).verifyAudit(session)),
      ),
  ]);
}

function trashGroup(grammar: Grammar): AnyCommand {
  return grammar.group("trash", "removed worktrees: list, restore, empty", [
    grammar
      .command("list", "what can be restored")
      .action((_, self) =>
        grammar.run(self, async (session) => (await import("./trash.ts")).listTrash(session)),
      ),
    grammar
      .command("restore", "brings a worktree back")
      .argument("<trash-id>", "from td trash list", text)
      .action((id, _, self) =>
        grammar.run(self, async (session) => {
          const { restoreTrash } = await import("./trash.ts");
          return restoreTrash(session, id);
        }),
      ),
    grammar
      .command("empty", "removes all of it for good, after asking")
      .option("--yes", "do not ask")
      .action((options, self) =>
        grammar.run(self, async (session) => {
          const { emptyTrash } = await import("./trash.ts");
          return emptyTrash(session, options);
        }),
      ),
  ]);
}

function completionsCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("completions", "the script that lets your shell complete td")
    .addArgument(choiceArgument("<shell>", "your shell", shells))
    .addHelpText("after", completionExamples)
    .action((shell, _, self) =>
      grammar.run(self, async (session) => {
        const { completions } = await import("./completions.ts");
        return completions(session, shell);
      }),
    );
}

const completionExamples = `
Examples:
  td completions bash >> ~/.bashrc
  td completions zsh > "\${fpath[1]}/_td"
  td completions fish > ~/.config/fish/completions/td.fish
  td completions pwsh >> $PROFILE
`;

/** What the completion scripts call on TAB. */
export function tabCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("complete", "answers a TAB")
    .argument("[words...]")
    .action((words, _, self) =>
      grammar.run(self, async (session) => {
        const { answerTab } = await import("./completions.ts");
        return answerTab(session, grammar.root, words);
      }),
    );
}
