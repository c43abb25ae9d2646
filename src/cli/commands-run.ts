import type { Deliver, Priority } from "../core/loop.ts";
import {
  type AnyCommand,
  chatId,
  choice,
  type Grammar,
  loopId,
  loopIds,
  positive,
  text,
  texts,
  whole,
} from "./grammar.ts";

const deliveries = Object.keys({
  branch: true,
  merge: true,
  pr: true,
  none: true,
} satisfies Record<Deliver, true>) as Deliver[];

const priorities = Object.keys({
  critical: true,
  high: true,
  normal: true,
  low: true,
} satisfies Record<Priority, true>) as Priority[];

const iterationsMaxMax = 100_000;
const budgetUsdMax = 1_000_000;

/** `td run`, the command that everything else is about. */
export function runCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("run", "carries one piece of work out, attached, until it is done or needs you")
    .helpGroup("Work:")
    .argument("[type]", "the type of loop: ralph, or one of your own (td types)", text)
    .argument("[task]", "what is to be done")
    .option("--file <file>", "read the task from a file, or from stdin with -", text)
    .option("--validate <command>", "the command that decides whether it is done", text)
    .option("--max-iterations <n>", "give up after so many", whole(1, iterationsMaxMax))
    .option("--model <model>", "provider/model", text)
    .option("--agent <name>", "who does the work: builtin", text)
    .addOption(choice("--priority <priority>", "among loops that wait", priorities))
    .option("--budget <usd>", "dollars it may cost", positive(budgetUsdMax, "a number of dollars"))
    .option("--base <ref>", "start from this commit, branch or tag (default: HEAD)", text)
    .option("--after <id>", "start when this loop is complete (may be repeated)", loopIds)
    .addOption(choice("--deliver <how>", "what becomes of finished work", deliveries))
    .option("--set <name=value>", "a parameter of its type (may be repeated)", texts)
    .option("--dry-run", "show what would happen, prompt included; spend nothing")
    .option("--resume <id>", "follow a loop, and let it go on where it rests", loopId)
    .option(
      "--batch <file>",
      "many loops at once, one JSON object a line: its options, and a name for after",
      text,
    )
    .option("--detach", "print the loop and return at once")
    .option("--yes", "do not ask: replace a daemon of an older version")
    .addHelpText("after", runExamples)
    .action((type, task, options, self) =>
      grammar.run(self, async (session) => {
        const { run } = await import("./run.ts");
        return run(session, { type, task, ...options });
      }),
    );
}

/** `td chat`, for those who only ask. */
export function chatCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("chat", "asks a model about the repository; it can look at tracked files, no more")
    .helpGroup("Work:")
    .argument("<message>", "what you want to know; - reads it from stdin")
    .option("--model <model>", "provider/model", text)
    .option("--continue <chat>", "go on with this conversation (its id is said at the end)", chatId)
    .addHelpText("after", chatExamples)
    .action((message, options, self) =>
      grammar.run(self, async (session) => {
        const { chat } = await import("./chat.ts");
        return chat(session, message, options);
      }),
    );
}

const chatExamples = `
Examples:
  td chat "where are sessions stored?"
  td chat --continue c3 "and who removes them?" --json | jq -r .text
`;

const runExamples = `
Examples:
  td run ralph "make the tests pass"
  td run ralph --file task.md --validate "npm test" --max-iterations 20
  td run ralph "add a login page" --budget 2.50 --deliver none
  td run ralph "rename the module" --dry-run
  td run --resume 3 --budget 5

Exit codes: 0 complete · 1 failed or stopped · 5 blocked or paused · 6 budget exhausted ·
7 queue full · 130 Ctrl-C (the loop goes on; td run --resume ID follows it again)
`;
