import type { Command } from "../core/commands.ts";
import type { Document } from "../core/documents.ts";
import { createRedact } from "../core/redact.ts";

/** What looks like a key, whosever it is. */
const redact = createRedact([]);

/** A key that somebody pasted goes to no model and into no log: the words of a person without it. */
export function withoutKeys(command: Command): Command {
  switch (command.type) {
    case "createLoop":
      return { ...command, loop: { ...command.loop, ...words(command.loop) } };
    case "createLoops":
      return {
        ...command,
        asked: command.asked.map((each) => ({
          ...each,
          loop: { ...each.loop, ...words(each.loop) },
        })),
      };
    case "editBrief":
      return { ...command, ...words(command) };
    case "reject":
      return { ...command, feedback: redact(command.feedback) };
    case "answer":
      return { ...command, answer: redact(command.answer) };
    case "edit":
      return { ...command, documents: command.documents.map(cleaned) };
    case "addChild":
      return { ...command, document: cleaned(command.document) };
    case "tell": {
      const { letter } = command;
      return { ...command, letter: { ...letter, body: redact(letter.body) } };
    }
    default:
      return command;
  }
}

function words({ title, brief }: { readonly title: string; readonly brief: string }) {
  return { title: redact(title), brief: redact(brief) };
}

function cleaned(document: Document): Document {
  const { title, text, acceptance } = document;
  return {
    ...document,
    ...{ title: redact(title), text: redact(text), acceptance: acceptance.map(redact) },
  };
}
