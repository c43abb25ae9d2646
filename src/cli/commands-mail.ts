import { type AnyCommand, type Grammar, loopId, text, whole } from "./grammar.ts";

const timeoutSecondsMax = 3_600;
const timeoutSecondsDefault = 300;

/** Loops and people who talk to each other. */
export function mailCommands(grammar: Grammar): readonly AnyCommand[] {
  const page = () => import("./mail.ts");
  return [
    grammar
      .command("questions", "the loops that wait for your answer; what holds up most comes first")
      .addHelpText("after", '\nExample:\n  td questions && td answer 3 "use the old API"\n')
      .action((_, self) => grammar.run(self, async (s) => (await page()).questions(s))),
    sendGroup(grammar),
    deadLettersGroup(grammar),
  ].map((command) => command.helpGroup("Control:"));
}

function sendGroup(grammar: Grammar): AnyCommand {
  const page = () => import("./mail.ts");
  return grammar.group("send", "tells loops something: alert, query, share, stop", [
    grammar
      .command("alert", "warns all loops of this repository that are at work or wait")
      .argument("<topic>", "a short subject", text)
      .argument("<body>", "what they must know", text)
      .option("--plan <id>", "only the loops of this plan", loopId)
      .addHelpText("after", '\nExample:\n  td send alert api "createUser takes an object now"\n')
      .action((topic, body, { plan = null }, self) =>
        grammar.run(self, async (s) => (await page()).alert(s, { topic, body, plan })),
      ),
    grammar
      .command("query", "asks a loop, waits for its answer and prints it")
      .argument("<id>", "a loop (td list)", loopId)
      .argument("<question>", "what you want to know", text)
      .option(
        "--timeout <seconds>",
        "how long to wait",
        whole(1, timeoutSecondsMax),
        timeoutSecondsDefault,
      )
      .addHelpText("after", '\nExample:\n  td send query 3 "How far are you?" --timeout 60\n')
      .action((id, question, { timeout }, self) =>
        grammar.run(self, async (s) => (await page()).query(s, { id, question, timeout })),
      ),
    grammar
      .command("share", "gives a loop something to know; it needs no answer")
      .argument("<id>", "a loop (td list)", loopId)
      .argument("<body>", "what it should know", text)
      .addHelpText("after", '\nExample:\n  td send share 3 "the port is 8080 now"\n')
      .action((to, body, _, self) =>
        grammar.run(self, async (s) => (await page()).deliver(s, { kind: "share", to, body })),
      ),
    grammar
      .command("stop", "stops a loop and its children, with a reason")
      .argument("<id>", "a loop (td list)", loopId)
      .argument("[reason]", "why", text, "no longer needed")
      .addHelpText("after", '\nExample:\n  td send stop 3 "the feature was cancelled"\n')
      .action((to, body, _, self) =>
        grammar.run(self, async (s) => (await page()).deliver(s, { kind: "stop", to, body })),
      ),
  ]);
}

function deadLettersGroup(grammar: Grammar): AnyCommand {
  const page = () => import("./mail.ts");
  return grammar.group("dead-letters", "messages that reached nobody: list, requeue, drop", [
    grammar
      .command("list", "what was not delivered, and why")
      .action((_, self) => grammar.run(self, async (s) => (await page()).deadLetters(s))),
    grammar
      .command("requeue", "puts a message into its mailbox again")
      .argument("<message-id>", "from td dead-letters", text)
      .action((id, _, self) => grammar.run(self, async (s) => (await page()).requeue(s, id))),
    grammar
      .command("drop", "forgets a message")
      .argument("<message-id>", "from td dead-letters", text)
      .action((id, _, self) => grammar.run(self, async (s) => (await page()).drop(s, id))),
  ]);
}
