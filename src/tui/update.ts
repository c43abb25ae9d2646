/** The next model, and what is to be done: pure. */
import { act } from "./act.ts";
import { chatPaste, isTyping, scrolledChat, typingKey } from "./chat-update.ts";
import { noticed, take, withLists } from "./frames.ts";
import { actionOf } from "./keys.ts";
import type { Message, Model, Step } from "./model.ts";
import { unchanged } from "./model.ts";
import { moveList, movePage, pointed } from "./move.ts";
import { overlayKey, overlayPaste } from "./overlays.ts";
import { settled } from "./page.ts";

export function update(model: Model, message: Message): Step {
  const step = next(model, message);
  return settled(model, step);
}

function next(model: Model, message: Message): Step {
  switch (message.type) {
    case "key":
      return keyed(model, message.key);
    case "paste":
      if (model.overlay !== null) return overlayPaste(model, message.text);
      return model.view === "chat" ? chatPaste(model, message.text) : unchanged(model);
    case "mouse":
      return mouse(model, message);
    case "resize":
      return unchanged({ ...model, columns: message.columns, rows: message.rows });
    default:
      return unchanged(take(model, message));
  }
}

function keyed(before: Model, key: string): Step {
  if (key === "C-c") return interrupted(before);
  const model = before.isLeaving ? { ...before, isLeaving: false } : before;
  // Elsewhere it is the two keys that it comes as.
  if (key === "M-enter" && (model.overlay !== null || !isTyping(model))) {
    const left = keyed(model, "escape");
    const then = keyed(left.model, "enter");
    return { model: then.model, effects: [...left.effects, ...then.effects] };
  }
  if (model.overlay !== null) return overlayKey(model, key);
  const written = isTyping(model) ? typingKey(model, key) : null;
  if (written !== null) return written;
  const action = actionOf(model.keys, key);
  return action === null ? unchanged(model) : act(model, action);
}

/** Twice leaves; once only what is open. */
function interrupted(model: Model): Step {
  if (model.isLeaving) return { model, effects: [{ type: "quit" }] };
  const told = noticed({ ...model, overlay: null }, "Ctrl-C once more leaves; the daemon goes on");
  return unchanged({ ...told, isLeaving: true });
}

const wheelRows = 3;

function mouse(model: Model, { does, x, y }: Extract<Message, { type: "mouse" }>): Step {
  if (model.overlay !== null) return unchanged(model);
  if (does === "press") return unchanged(withLists(pointed(model, x, y)));
  const by = does === "wheelUp" ? -wheelRows : wheelRows;
  if (model.view === "chat") return unchanged(scrolledChat(model, by));
  const isOnPage = pointed(model, x, y).pane === "detail";
  return unchanged(isOnPage ? movePage(model, by) : moveList(model, by));
}
