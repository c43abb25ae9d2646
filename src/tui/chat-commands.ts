/** Slash commands of the chat. */
import { cost, tokenSum, tokens } from "../cli/numbers.ts";
import { commandHint } from "../views/command-hint.ts";
import { anotherChat, type ChatDoing, type ChatModel, newChat, withBlock } from "./chat-model.ts";
import { emptyDraft } from "./editor.ts";
import type { Model, Step } from "./model.ts";

interface Command {
  readonly help: string;
  readonly run: (model: Model, words: string) => Step;
}

const commands: Readonly<Record<string, Command>> = {
  plan: {
    help: "/plan [WORDS]  make a draft plan of this conversation, for your approval",
    run: plan,
  },
  new: {
    help: "/new  begin another conversation; this one is kept",
    run: (model) => renewed(model),
  },
  history: {
    help: "/history  earlier conversations about this repository; Enter goes on with one",
    run: (model) => ({
      model: { ...model, overlay: { type: "chats", index: 0 } },
      effects: [{ type: "chat", does: { type: "list", dir: model.chat.dir } }],
    }),
  },
  model: {
    help: "/model [NAME]  which model answers from now on; default is the configured one",
    run: named,
  },
  repo: { help: "/repo [DIR]  talk about another repository", run: moved },
  clear: {
    help: "/clear  an empty screen; the conversation goes on",
    run: (model) => only(model, { ...model.chat, blocks: [], isOpen: false, top: 0 }),
  },
  cost: { help: "/cost  what this conversation cost, and the day", run: costs },
  stop: { help: "/stop  stop the answer under way (Esc does the same)", run: stopped },
  help: { help: "/help  this list", run: (model) => told(model, helpText()) },
};

export const commandNames = Object.keys(commands);

/** What a line that begins with a slash asks for; null when it is no command but words. */
export function commandOf(text: string): { readonly name: string; readonly words: string } | null {
  const [, name, words = ""] = /^\/([a-z-]+)(?:\s+([\s\S]*))?$/i.exec(text.trim()) ?? [];
  return name === undefined ? null : { name: name.toLowerCase(), words: words.trim() };
}

/** A command that there is not stays in the line, to be mended. */
export function runCommand(model: Model, name: string, words: string): Step {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    return only(model, withBlock(model.chat, "error", commandHint(name, commandNames)));
  }
  return command.run({ ...model, chat: { ...model.chat, draft: emptyDraft } }, words);
}

function only(model: Model, chat: ChatModel): Step {
  return { model: { ...model, chat }, effects: [] };
}

function told(model: Model, text: string): Step {
  return only(model, withBlock(model.chat, "note", text));
}

function asked(model: Model, chat: ChatModel, ...doings: readonly ChatDoing[]): Step {
  const effects = doings.map((does) => ({ type: "chat", does }) as const);
  return { model: { ...model, chat }, effects };
}

function helpText(): string {
  const keys = [
    "Enter sends; Alt-Enter, Ctrl-J or \\ before Enter begins a new line; ↑ ↓ bring back what you sent",
    "Esc stops the answer, or leaves the line: then j k PgUp PgDn scroll, 2 to 5 are the other views",
    "i or Enter goes back to the line. The model can look at tracked files, and change nothing.",
  ];
  return [...Object.values(commands).map(({ help }) => help), ...keys].join("\n");
}

function plan(model: Model, words: string): Step {
  const { chat } = model;
  if (chat.busy !== null) return told(model, "an answer is under way: wait for its end, or Esc");
  if (chat.id === null) return told(model, "say first what you want: there is no conversation yet");
  const begun = withBlock(chat, "note", "asks for a plan of this conversation");
  return asked(model, begun, { type: "plan", chat: chat.id, words });
}

function renewed(model: Model): Step {
  return asked(model, anotherChat(model.chat), ...stopsOf(model));
}

/** Nobody hears what is left: the daemon stops it. */
function stopsOf({ chat }: Model): readonly ChatDoing[] {
  return chat.busy === null ? [] : [{ type: "stop" }];
}

function named(model: Model, words: string): Step {
  const { chat } = model;
  if (words === "") {
    const used = chat.model ?? chat.answeredBy ?? "the configured one";
    return told(model, `the model is ${used}; /model provider/name takes another`);
  }
  if (words === "default") {
    return told({ ...model, chat: { ...chat, model: null } }, "the configured model answers");
  }
  if (!/^[\w-]+\/\S+$/.test(words)) {
    return told(model, "write provider/name, for example /model anthropic/claude-sonnet-5-5");
  }
  return told({ ...model, chat: { ...chat, model: words } }, `${words} answers from now on`);
}

function moved(model: Model, words: string): Step {
  const { chat } = model;
  if (words === "") return told(model, `this is about ${chat.dir}; /repo DIR takes another`);
  const dir = words.startsWith("/") ? words : `${chat.dir}/${words}`;
  const { model: wanted, sent, run } = chat;
  const fresh = { ...newChat(dir), model: wanted, sent, run: run + 1 };
  return asked(model, withBlock(fresh, "note", `from now on about ${dir}`), ...stopsOf(model));
}

function costs(model: Model): Step {
  const { usage } = model.chat;
  const own = `this conversation: ${cost(usage.costUsd)}, ${tokens(tokenSum(usage))} tokens, ${usage.requests} calls`;
  const budget = model.status?.budget;
  if (budget === undefined) return told(model, own);
  const limit = budget.dayUsd === null ? "" : ` of ${cost(budget.dayUsd)}`;
  return told(model, `${own}\ntoday, all together: ${cost(budget.daySpentUsd)}${limit}`);
}

export function stopped(model: Model): Step {
  if (model.chat.busy === null) return told(model, "nothing is being answered");
  return asked(model, model.chat, { type: "stop" });
}
