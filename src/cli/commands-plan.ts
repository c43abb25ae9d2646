import type { Deliver } from "../core/loop.ts";
import type { Amendment } from "../protocol/plans.ts";
import { type AnyCommand, choice, type Grammar, loopId, positive, text } from "./grammar.ts";
import type { Session } from "./session.ts";

const budgetUsdMax = 1_000_000;
const deliveries = Object.keys({
  branch: true,
  merge: true,
  pr: true,
  none: true,
} satisfies Record<Deliver, true>) as Deliver[];

/** Commands of the pipeline: from a sentence to loops that carry it out. */
export function planCommands(grammar: Grammar): readonly AnyCommand[] {
  return [
    newPlanCommand(grammar),
    amending(grammar, "approve", "sets a draft's documents to work", { type: "approve" }),
    rejectCommand(grammar),
    editCommand(grammar),
    addCommand(grammar),
    amending(grammar, "drop", "takes a loop out of its plan; the rest goes on without it", {
      type: "drop",
    }),
  ].map((command) => command.helpGroup("Plans:"));
}

/** Pictures of what there is. */
export function pictureCommands(grammar: Grammar): readonly AnyCommand[] {
  return [
    grammar
      .command("tree", "loops with what came of them")
      .argument("[id]", "only this one and what is below it", loopId)
      .action((id, _, self) =>
        grammar.run(self, async (session) => (await import("./tree.ts")).tree(session, id)),
      ),
    grammar
      .command("graph", "who waits for whom")
      .argument("[id]", "only this one and what is below it", loopId)
      .addOption(choice("--format <format>", "how it is drawn", ["text", "mermaid", "json"]))
      .addHelpText("after", "\nExample:\n  td graph 7 --format mermaid > plan.mmd\n")
      .action((id, options, self) =>
        grammar.run(self, async (session) =>
          (await import("./tree.ts")).graph(session, id, options),
        ),
      ),
  ].map((command) => command.helpGroup("Looking:"));
}

function newPlanCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("new-plan", "plans a piece of work, and waits for your approval")
    .argument("[request]", "what is to be different")
    .option("--file <file>", "read the request from a file, or from stdin with -", text)
    .option("--validate <command>", "the command that decides whether work is done", text)
    .option("--model <model>", "provider/model", text)
    .option("--budget <usd>", "dollars it may cost", positive(budgetUsdMax, "a number of dollars"))
    .option("--base <ref>", "start from this commit, branch or tag (default: HEAD)", text)
    .addOption(choice("--deliver <how>", "what becomes of the finished plan", deliveries))
    .option("--dry-run", "show what would happen, prompt included; spend nothing")
    .option("--detach", "print the loop and return at once")
    .option("--yes", "approve the plan in advance, and go on until all of it is done")
    .addHelpText("after", planExamples)
    .action((request, options, self) =>
      grammar.run(self, async (session) => {
        const { run } = await import("./run.ts");
        return run(session, { type: "plan", task: request, ...options });
      }),
    );
}

const planExamples = `
Examples:
  td new-plan "store sessions in the database"
  td show 7 --documents && td approve 7
  td new-plan --file request.md --yes

Exit codes: 0 the draft is ready (with --yes: all is complete) · 1 failed or stopped ·
5 blocked or paused · 6 budget exhausted · 130 interrupted
`;

function rejectCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("reject", "has a draft refined once more; what is at work already is planned anew")
    .argument(
      "<id>",
      "a draft, or a plan, spec or phase at work (its children are stopped)",
      loopId,
    )
    .requiredOption("--feedback <text>", "what has to be different", text)
    .addHelpText("after", '\nExample:\n  td reject 7 --feedback "leave the API as it is"\n')
    .action((id, { feedback }, self) =>
      grammar.run(self, (session) => amend(session, id, { type: "reject", feedback })),
    );
}

function editCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("edit", "opens a draft's documents, or a loop's task, in your editor ($EDITOR)")
    .argument("<id>", "a draft, or a loop that has not handed its work on", loopId)
    .option("--file <file>", "take this instead: a file, - for stdin, or a directory of all", text)
    .option("--document <path>", "which of a draft's documents --file is", text)
    .addHelpText("after", "\nExample:\n  td edit 7 --file 01-schema.md\n")
    .action((id, options, self) =>
      grammar.run(self, async (session) => (await import("./edit.ts")).edit(session, id, options)),
    );
}

function addCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("add", "gives a plan, spec or phase at work one more child")
    .argument("<id>", "whose child it will be", loopId)
    .argument("[task]", "what is to be done")
    .option("--file <file>", "read a document or a task from a file, or stdin with -", text)
    .option("--name <name>", "what siblings call it in depends-on", text)
    .addHelpText("after", '\nExample:\n  td add 7 "write the handbook page"\n')
    .action((id, task, { file, name }, self) =>
      grammar.run(self, async (session) => {
        const { readTask } = await import("./task-text.ts");
        const words = await readTask(session.world, task, file);
        return amend(session, id, { type: "add", name: name ?? null, text: words });
      }),
    );
}

function amending(
  grammar: Grammar,
  name: string,
  description: string,
  amendment: Amendment,
): AnyCommand {
  return grammar
    .command(name, description)
    .argument("<id>", "a loop (td list)", loopId)
    .addHelpText("after", `\nExample:\n  td ${name} 7\n`)
    .action((id, _, self) => grammar.run(self, (session) => amend(session, id, amendment)));
}

async function amend(session: Session, id: string, amendment: Amendment): Promise<number> {
  const { control } = await import("./control.ts");
  return control(session, id, (door) => door.amend(id, amendment));
}
