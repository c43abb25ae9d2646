/** What stands over the screen: help, palette, questions, and what is asked of a person. */
import { cost } from "../cli/numbers.ts";
import { act, asking, filtered } from "./act.ts";
import { chatsKey } from "./chat-history.ts";
import { type Draft, edited, textIn, typed } from "./editor.ts";
import { noticed } from "./frames.ts";
import { type Action, actions, bindingOf, keyName } from "./keys.ts";
import type { Model, Overlay, Step } from "./model.ts";
import { listOf, unchanged, unmarked } from "./model.ts";
import { nextMatch } from "./search.ts";

export function overlayKey(model: Model, key: string): Step {
  const { overlay } = model;
  if (overlay === null) return unchanged(model);
  if (key === "escape") return unchanged(closed(model, overlay));
  switch (overlay.type) {
    case "help":
      return unchanged({ ...model, overlay: helpKey(overlay, key) });
    case "palette":
      return paletteKey(model, overlay, key);
    case "confirm":
      return confirmKey(model, overlay, key);
    case "ask":
      return askKey(model, overlay, key);
    case "alerts":
      return unchanged({ ...model, overlay: alertsKey(overlay, key) });
    case "questions":
      return questionsKey(model, overlay, key);
    case "chats":
      return chatsKey(model, overlay, key);
    default:
      return overlay satisfies never;
  }
}

export function overlayPaste(model: Model, text: string): Step {
  const { overlay } = model;
  if (overlay?.type !== "ask") return unchanged(model);
  const line = text.replace(/\s+/g, " ");
  const draft = typed(overlay.draft, line);
  return unchanged(asked({ ...model, overlay: { ...overlay, draft } }, overlay.ask.type, draft));
}

/** A filter that is given up is as it was. */
function closed(model: Model, overlay: Overlay): Model {
  const bare = { ...model, overlay: null };
  const isFilter = overlay.type === "ask" && overlay.ask.type === "filter";
  return isFilter ? filtered(bare, overlay.before) : bare;
}

function helpKey(overlay: Extract<Overlay, { type: "help" }>, key: string): Overlay | null {
  if (key === "down") return { ...overlay, top: overlay.top + 1 };
  if (key === "up") return { ...overlay, top: Math.max(0, overlay.top - 1) };
  if (key === "pagedown") return { ...overlay, top: overlay.top + 10 };
  if (key === "pageup") return { ...overlay, top: Math.max(0, overlay.top - 10) };
  if (key === "enter" || key === "?") return null;
  const filter = edited(overlay.filter, key);
  return filter === null ? overlay : { ...overlay, filter, top: 0 };
}

/** Every action, or those that have the words. */
export function paletteRows(model: Model, draft: Draft): readonly Action[] {
  const words = textIn(draft)
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return actions.filter((action) => {
    const text = `${action} ${bindingOf(action).help} ${model.keys[action].map(keyName).join(" ")}`;
    return words.every((word) => text.toLowerCase().includes(word));
  });
}

function paletteKey(
  model: Model,
  overlay: Extract<Overlay, { type: "palette" }>,
  key: string,
): Step {
  const rows = paletteRows(model, overlay.draft);
  const at = Math.min(overlay.index, Math.max(0, rows.length - 1));
  if (key === "enter") {
    const action = rows[at];
    const bare = { ...model, overlay: null };
    return action === undefined ? unchanged(bare) : act(bare, action);
  }
  const by = moves[key];
  if (by !== undefined) {
    const index = Math.min(Math.max(0, at + by), Math.max(0, rows.length - 1));
    return unchanged({ ...model, overlay: { ...overlay, index } });
  }
  const draft = edited(overlay.draft, key);
  if (draft === null) return unchanged(model);
  return unchanged({ ...model, overlay: { ...overlay, draft, index: 0 } });
}

const moves: Readonly<Record<string, number>> = { up: -1, down: 1, pageup: -10, pagedown: 10 };

function confirmKey(
  model: Model,
  { verb, ids }: Extract<Overlay, { type: "confirm" }>,
  key: string,
): Step {
  if (key === "y" || key === "enter") {
    const done: Model = { ...model, overlay: null };
    return { model: unmarked(done, ids), effects: [{ type: "act", verb, ids }] };
  }
  return unchanged(key === "n" || key === "q" ? { ...model, overlay: null } : model);
}

function askKey(model: Model, overlay: Extract<Overlay, { type: "ask" }>, key: string): Step {
  if (key === "enter") return answered({ ...model, overlay: null }, overlay);
  const draft = edited(overlay.draft, key);
  if (draft === null) return unchanged(model);
  return unchanged(asked({ ...model, overlay: { ...overlay, draft } }, overlay.ask.type, draft));
}

/** What is typed works at once where it only chooses what is shown. */
function asked(model: Model, type: string, draft: Draft): Model {
  return type === "filter" ? filtered(model, textIn(draft)) : model;
}

const formats = ["json", "csv", "md"];

function answered(model: Model, { ask, draft }: Extract<Overlay, { type: "ask" }>): Step {
  const text = textIn(draft).trim();
  switch (ask.type) {
    case "filter":
      return unchanged(filtered(model, text));
    case "search": {
      const page = { ...model.page, search: text };
      return unchanged(nextMatch({ ...model, page }, 1));
    }
    case "export":
      return exported(model, text);
    case "reject":
    case "answer":
      if (text === "") return unchanged(noticed(model, "nothing was said: nothing is done"));
      return { model, effects: [{ type: ask.type, id: ask.id, text }] };
    case "raise":
      return raised(model, ask.id, text);
    default:
      return ask satisfies never;
  }
}

const dollars = /^\$? ?(\d+(?:\.\d+)?)$/;

function raised(model: Model, id: string, text: string): Step {
  const budgetUsd = Number(dollars.exec(text)?.[1] ?? 0);
  if (budgetUsd === 0) {
    return unchanged(noticed(model, "a limit is a number of dollars, for example 2.50", true));
  }
  const spentUsd = model.loops.get(id)?.usage.costUsd ?? 0;
  if (budgetUsd <= spentUsd) {
    return unchanged(noticed(model, `${id} has spent ${cost(spentUsd)} already: name more`, true));
  }
  return { model, effects: [{ type: "raise", id, budgetUsd }] };
}

function exported(model: Model, format: string): Step {
  if (!formats.includes(format)) {
    return unchanged(noticed(model, `there is no format ${format}: json, csv or md`, true));
  }
  const rows = (listOf(model)?.rows ?? []).flatMap(({ id }) => model.loops.get(id) ?? []);
  return { model, effects: [{ type: "export", format, rows }] };
}

function alertsKey(overlay: Extract<Overlay, { type: "alerts" }>, key: string): Overlay | null {
  const by = key === "j" ? 1 : key === "k" ? -1 : moves[key];
  if (by !== undefined) return { ...overlay, top: Math.max(0, overlay.top + by) };
  return ["enter", "q", "@"].includes(key) ? null : overlay;
}

function questionsKey(
  model: Model,
  overlay: Extract<Overlay, { type: "questions" }>,
  key: string,
): Step {
  const { questions } = model;
  const at = Math.min(overlay.index, Math.max(0, questions.length - 1));
  const by = key === "j" ? 1 : key === "k" ? -1 : moves[key];
  if (by !== undefined) {
    const index = Math.min(Math.max(0, at + by), Math.max(0, questions.length - 1));
    return unchanged({ ...model, overlay: { ...overlay, index } });
  }
  const question = questions[at];
  if (key === "q" || key === "!" || question === undefined) {
    return unchanged({ ...model, overlay: null });
  }
  if (key !== "enter" && key !== "A") return unchanged(model);
  const { id, about } = question;
  const words = about === "gate" ? "allow or deny" : "your answer";
  return asking(model, { type: "answer", id }, `answer ${id}: ${words}`, "");
}
