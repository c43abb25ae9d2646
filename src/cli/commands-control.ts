import type { Door } from "../protocol/door.ts";
import type { LoopView } from "../views/loop-view.ts";
import { type AnyCommand, type Grammar, text, whole } from "./grammar.ts";

const iterationMax = 100_000;

/** Commands by which a person's word reaches a loop. */
export function controlCommands(grammar: Grammar): readonly AnyCommand[] {
  return [
    simple(grammar, "pause", "lets a loop rest until it is resumed", (door, id) => door.pause(id)),
    simple(grammar, "resume", "makes a loop that rests ready again", (door, id) =>
      door.resume(id, {}),
    ),
    simple(grammar, "retry", "makes a failed loop ready again", (door, id) => door.resume(id, {})),
    grammar
      .command("answer", "answers what a loop asks (allow or deny, where it asks for leave)")
      .argument("<id>", "a loop that is blocked (td list --status blocked)")
      .argument("<text>", "what it is to know", text)
      .addHelpText("after", '\nExamples:\n  td answer 3 "use the old API"\n  td answer 3 allow\n')
      .action((id, answer, _, self) =>
        grammar.run(self, async (session) => {
          const { control } = await import("./control.ts");
          return control(session, (door) => door.answer(id, answer));
        }),
      ),
    grammar
      .command("rollback", "takes a loop back to what it was after an iteration")
      .argument("<id>", "a loop (td list)")
      .requiredOption("--to <n>", "the iteration; 0 is before any work", whole(0, iterationMax))
      .addHelpText("after", "\nExample:\n  td rollback 3 --to 2\n")
      .action((id, { to }, self) =>
        grammar.run(self, async (session) => {
          const { control } = await import("./control.ts");
          return control(session, (door) => door.rollback(id, to));
        }),
      ),
    grammar
      .command("shell", "opens your shell where a loop works")
      .argument("<id>", "a loop (td list)")
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

function simple(
  grammar: Grammar,
  name: string,
  description: string,
  change: (door: Door, id: string) => Promise<LoopView>,
): AnyCommand {
  return grammar
    .command(name, description)
    .argument("<id>", "a loop (td list)")
    .addHelpText("after", `\nExample:\n  td ${name} 3\n`)
    .action((id, _, self) =>
      grammar.run(self, async (session) => {
        const { control } = await import("./control.ts");
        return control(session, (door) => change(door, id));
      }),
    );
}
