import type { Door } from "../protocol/door.ts";
import type { LoopView } from "../views/loop-view.ts";
import { type AnyCommand, type Grammar, loopId, positive, text, whole } from "./grammar.ts";

const iterationMax = 100_000;
const tokensMax = 1_000_000_000_000;
const dollars = positive(1_000_000, "a number of dollars");

/** Commands by which a person's word reaches a loop. */
export function controlCommands(grammar: Grammar): readonly AnyCommand[] {
  return [
    simple(grammar, "pause", "lets a loop rest until it is resumed", (door, id) => door.pause(id)),
    resumeCommand(grammar),
    simple(grammar, "retry", "makes what failed ready again", (door, id) => door.resume(id, {})),
    grammar
      .command("answer", "answers what a loop asks (allow or deny, where it asks for leave)")
      .argument("<id>", "a loop that is blocked (td list --status blocked)", loopId)
      .argument("<text>", "what it is to know", text)
      .addHelpText("after", '\nExamples:\n  td answer 3 "use the old API"\n  td answer 3 allow\n')
      .action((id, answer, _, self) =>
        grammar.run(self, async (session) => {
          const { control } = await import("./control.ts");
          return control(session, id, (door) => door.answer(id, answer));
        }),
      ),
    grammar
      .command("rollback", "takes a loop back to what it was after an iteration")
      .argument("<id>", "a loop (td list)", loopId)
      .requiredOption("--to <n>", "the iteration; 0 is before any work", whole(0, iterationMax))
      .addHelpText("after", "\nExample:\n  td rollback 3 --to 2\n")
      .action((id, { to }, self) =>
        grammar.run(self, async (session) => {
          const { control } = await import("./control.ts");
          const code = await control(session, id, (door) => door.rollback(id, to));
          session.say(`its work is as it was ${to === 0 ? "before any" : `after iteration ${to}`}`);
          return code;
        }),
      ),
    grammar
      .command("merge", "brings finished work to its target branch (git.target)")
      .argument("<id>", "a complete loop or plan (td list --status complete)", loopId)
      .option("--pr", "open its pull request instead (gh), or try again after one that failed")
      .addHelpText("after", mergeExamples)
      .action((id, { pr }, self) =>
        grammar.run(self, async (session) =>
          (await import("./merge.ts")).merge(session, id, { pr }),
        ),
      ),
    grammar
      .command("shell", "opens your shell where a loop works")
      .argument("<id>", "a loop (td list)", loopId)
      .option("--print", "print the directory instead")
      .addHelpText("after", '\nExample:\n  cd "$(td shell 3 --print)"\n')
      .action((id, options, self) =>
        grammar.run(self, async (session) => {
          const { shell } = await import("./shell.ts");
          return shell(session, id, options);
        }),
      ),
  ].map((command) => command.helpGroup("Control:"));
}

function resumeCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("resume", "makes what rests ready again; raises the limits of what goes on")
    .argument("<id>", "a loop, with all below it that was paused with it (td list)", loopId)
    .option("--max-iterations <n>", "give up after so many", whole(1, iterationMax))
    .option("--budget <usd>", "dollars it may cost, with all below it", dollars)
    .option("--budget-tokens <n>", "tokens it may use", whole(1, tokensMax))
    .addHelpText("after", "\nExamples:\n  td resume 3\n  td resume 7 --budget 20\n")
    .action((id, options, self) =>
      grammar.run(self, async (session) => {
        const [{ control }, { raiseOf }] = await Promise.all([
          import("./control.ts"),
          import("./run.ts"),
        ]);
        return control(session, id, (door) => door.resume(id, raiseOf(options)));
      }),
    );
}

function simple(
  grammar: Grammar,
  name: string,
  description: string,
  change: (door: Door, id: string) => Promise<LoopView>,
): AnyCommand {
  return grammar
    .command(name, description)
    .argument("<id>", "a loop (td list)", loopId)
    .addHelpText("after", `\nExample:\n  td ${name} 3\n`)
    .action((id, _, self) =>
      grammar.run(self, async (session) => {
        const { control } = await import("./control.ts");
        return control(session, id, (door) => change(door, id));
      }),
    );
}

const mergeExamples = `
Examples:
  td merge 7
  td merge 7 --pr

--pr pushes the work's branch to the remote that git.target tracks, and asks gh, with the daemon's
own PATH and sign-in, for the pull request.

Exit codes: 0 merged, or proposed · 5 a person is needed: the reason says for what
`;
