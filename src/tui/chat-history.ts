/** The list of earlier conversations. */
import { age, cost } from "../cli/numbers.ts";
import { cut, oneLine, pad } from "../cli/text.ts";
import { centred, clearRect, drawFrame } from "./frame.ts";
import { inside } from "./layout.ts";
import type { Model, Overlay, Step } from "./model.ts";
import { unchanged } from "./model.ts";
import type { Screen } from "./screen.ts";
import { colours, marks } from "./style.ts";

type ChatsOverlay = Extract<Overlay, { readonly type: "chats" }>;

const moves: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -10,
  pagedown: 10,
};

export function chatsKey(model: Model, overlay: ChatsOverlay, key: string): Step {
  const { heads, busy } = model.chat;
  const most = Math.max(0, heads.length - 1);
  const at = Math.min(overlay.index, most);
  const by = moves[key];
  if (by !== undefined) {
    const index = Math.min(Math.max(0, at + by), most);
    return unchanged({ ...model, overlay: { ...overlay, index } });
  }
  const bare = { ...model, overlay: null };
  const head = heads[at];
  if (key === "q") return unchanged(bare);
  if (key !== "enter") return unchanged(model);
  if (head === undefined) return unchanged(bare);
  const stops = busy === null ? [] : ([{ type: "chat", does: { type: "stop" } }] as const);
  return {
    model: bare,
    effects: [...stops, { type: "chat", does: { type: "open", id: head.id } }],
  };
}

const columnsMax = 90;
const ageColumns = 5;
const costColumns = 9;

export function drawChats(screen: Screen, model: Model, { index }: ChatsOverlay): void {
  const { heads } = model.chat;
  const rect = centred(screen, columnsMax, Math.max(1, heads.length) + 2);
  clearRect(screen, rect);
  const at = inside(rect);
  const foot = "Enter goes on, Esc closes";
  drawFrame(screen, rect, [{ text: "conversations", style: marks.bold }], {
    style: colours.cyan,
    foot,
  });
  if (heads.length === 0) {
    screen.put(at.x + 1, at.y, "None yet about this repository.", colours.dim, at.x + at.columns);
    return;
  }
  const selected = Math.min(index, heads.length - 1);
  const first = Math.max(0, selected - at.rows + 1);
  const titleColumns = Math.max(4, at.columns - ageColumns - costColumns - 2);
  for (const [row, head] of heads.slice(first, first + at.rows).entries()) {
    const title = pad(cut(oneLine(head.title), titleColumns), titleColumns);
    const paid = pad(cost(head.usage.costUsd), costColumns, "right");
    const old = pad(age(Date.parse(head.updatedAt), model.now), ageColumns, "right");
    const style = first + row === selected ? marks.selected | marks.bold : colours.text;
    screen.put(at.x, at.y + row, ` ${title}${paid}${old} `, style, at.x + at.columns);
  }
}
