/** What keys do in the chat. */
import { commandNames, commandOf, runCommand, stopped } from "./chat-commands.ts";
import { movedLine } from "./chat-draft.ts";
import { chatRows, chatTop } from "./chat-layout.ts";
import { type ChatModel, withBlock } from "./chat-model.ts";
import { sentMax } from "./chat-news.ts";
import { type Draft, edited, emptyDraft, textIn, typed } from "./editor.ts";
import { noticed } from "./frames.ts";
import { type Action, bindingOf } from "./keys.ts";
import type { Model, Step } from "./model.ts";
import { unchanged } from "./model.ts";

/** Whether keys are letters of what is written, and not actions. */
export function isTyping({ view, chat }: Model): boolean {
  return view === "chat" && chat.isTyping;
}

/** Keys of the line; null for those that mean what they mean everywhere. */
export function typingKey(model: Model, key: string): Step | null {
  const { chat } = model;
  switch (key) {
    case "enter":
      return entered(model);
    case "M-enter":
    case "C-j":
      return drafted(model, typed(chat.draft, "\n"));
    case "escape":
      return chat.busy === null ? typing(model, false) : stopped(model);
    case "tab":
      return drafted(model, completed(chat.draft));
    case "up":
    case "down":
      return upOrDown(model, key === "up" ? -1 : 1);
    case "pageup":
    case "pagedown":
      return unchanged(scrolledChat(model, (key === "pageup" ? -1 : 1) * (chatRows(model) - 1)));
    default: {
      const draft = edited(chat.draft, key);
      if (draft !== null) return drafted(model, draft);
      return key.startsWith("C-") ? null : unchanged(model);
    }
  }
}

export function chatPaste(model: Model, text: string): Step {
  const lines = text.replace(/\r\n?/g, "\n");
  const { chat } = model;
  return drafted({ ...model, chat: { ...chat, isTyping: true } }, typed(chat.draft, lines));
}

const far = 1_000_000;

/** What actions do here while nothing is typed; null for those that do what they do everywhere. */
export function chatAct(model: Model, action: Action): Step | null {
  const by = scrolls[action];
  if (by !== undefined) return unchanged(scrolledChat(model, by(chatRows(model))));
  switch (action) {
    case "type":
    case "open":
    case "next-pane":
    case "previous-pane":
      return typing(model, true);
    case "filter":
      return typing({ ...model, chat: { ...model.chat, draft: { before: "/", after: "" } } }, true);
    case "freeze":
      return unchanged({ ...model, chat: { ...model.chat, follows: !model.chat.follows } });
    case "back":
      return model.chat.busy === null ? unchanged(model) : stopped(model);
    case "next-match":
    case "previous-match":
    case "previous-tab":
    case "next-tab":
      return unchanged(model);
    default:
      // What concerns loops has none here, not even those that are marked elsewhere.
      return bindingOf(action).where === "everywhere" ? null : unchanged(model);
  }
}

const scrolls: Readonly<Partial<Record<Action, (rows: number) => number>>> = {
  down: () => 1,
  up: () => -1,
  top: () => -far,
  bottom: () => far,
  "page-down": (rows) => rows - 1,
  "page-up": (rows) => 1 - rows,
  "half-down": (rows) => Math.ceil(rows / 2),
  "half-up": (rows) => -Math.ceil(rows / 2),
};

/** At its end it follows what comes. */
export function scrolledChat(model: Model, by: number): Model {
  const { top, last } = chatTop(model);
  const next = Math.min(Math.max(0, top + by), last);
  return { ...model, chat: { ...model.chat, top: next, follows: next === last } };
}

function typing(model: Model, isOn: boolean): Step {
  return unchanged({ ...model, chat: { ...model.chat, isTyping: isOn } });
}

function drafted(model: Model, draft: Draft): Step {
  return unchanged({ ...model, chat: { ...model.chat, draft, recalled: null } });
}

function entered(model: Model): Step {
  const { chat } = model;
  const { before, after } = chat.draft;
  if (before.endsWith("\\")) return drafted(model, { before: `${before.slice(0, -1)}\n`, after });
  const text = textIn(chat.draft).trim();
  if (text === "") return unchanged(model);
  const sent = [...chat.sent.filter((each) => each !== text), text].slice(-sentMax);
  const said: Model = { ...model, chat: { ...chat, sent, recalled: null } };
  const command = commandOf(text);
  return command === null ? send(said, text) : runCommand(said, command.name, command.words);
}

function send(model: Model, text: string): Step {
  const { chat, now, link } = model;
  if (chat.busy !== null) {
    return unchanged(noticed(model, "an answer is under way: Esc stops it", true));
  }
  if (link === "lost") return unchanged(noticed(model, "the daemon does not answer: wait", true));
  const { id, dir, model: name } = chat;
  const run = chat.run + 1;
  const asked: ChatModel = {
    ...withBlock(chat, "person", text),
    ...{ draft: emptyDraft, run, busy: { since: now, state: "asking", beats: 0 } },
    title: chat.title === "" ? text : chat.title,
  };
  const request = { chat: id, dir, model: name, text };
  return {
    model: { ...model, chat: asked },
    effects: [{ type: "chat", does: { type: "send", run, request } }],
  };
}

/** Within the lines that are written, and beyond their ends through what was sent. */
function upOrDown(model: Model, by: -1 | 1): Step {
  const { chat } = model;
  const moved = movedLine(chat.draft, by);
  if (moved !== null) {
    return unchanged({ ...model, chat: { ...chat, draft: moved } });
  }
  const { sent, recalled } = chat;
  const at = (recalled?.at ?? sent.length) + by;
  if (at < 0 || at > sent.length || (recalled === null && by === 1)) return unchanged(model);
  const own = recalled?.own ?? chat.draft;
  if (at === sent.length) {
    return unchanged({ ...model, chat: { ...chat, draft: own, recalled: null } });
  }
  const draft = { before: sent[at] ?? "", after: "" };
  return unchanged({ ...model, chat: { ...chat, draft, recalled: { at, own } } });
}

/** The one command that begins so. */
function completed(draft: Draft): Draft {
  const begun = /^\/([a-z]*)$/.exec(draft.before)?.[1];
  if (begun === undefined || draft.after !== "") return draft;
  const fitting = commandNames.filter((name) => name.startsWith(begun));
  return fitting.length === 1 ? { before: `/${fitting[0]} `, after: "" } : draft;
}
