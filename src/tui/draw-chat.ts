/** The chat: what was said, and the box where one writes. */
import { duration } from "../cli/numbers.ts";
import { cut, oneLine } from "../cli/text.ts";
import { layDraft } from "./chat-draft.ts";
import { chatRects, chatTop, draftColumns, shownLines } from "./chat-layout.ts";
import { costWords } from "./chat-news.ts";
import { drawFrame, frameStyle } from "./frame.ts";
import { inside } from "./layout.ts";
import type { Model } from "./model.ts";
import type { Screen } from "./screen.ts";
import { colours, marks, type Span } from "./style.ts";

export function drawChat(screen: Screen, model: Model): void {
  drawTranscript(screen, model);
  drawBox(screen, model);
}

function drawTranscript(screen: Screen, model: Model): void {
  const { transcript } = chatRects(model);
  const at = inside(transcript);
  const lines = shownLines(model);
  const { top, last } = chatTop(model);
  drawFrame(screen, transcript, titleOf(model, transcript.columns), {
    style: frameStyle(!model.chat.isTyping),
    foot: footOf(model, top, last, at.columns),
  });
  for (let index = 0; index < at.rows; index += 1) {
    let x = at.x;
    for (const { text, style } of lines[top + index] ?? []) {
      x = screen.put(x, at.y + index, text, style, at.x + at.columns);
    }
  }
}

const titleRoom = 6;

function titleOf({ chat }: Model, columns: number): readonly Span[] {
  const name = chat.title === "" ? "new conversation" : oneLine(chat.title);
  const repo = chat.dir.slice(chat.dir.lastIndexOf("/") + 1);
  const facts = [
    oneLine(repo),
    oneLine(chat.model ?? chat.answeredBy ?? ""),
    costWords({ ...chat }),
  ];
  const rest = facts.filter((fact) => fact !== "").map((fact) => ` · ${fact}`);
  const room = Math.max(0, columns - titleRoom);
  const text = cut(name, Math.max(8, room - rest.join("").length));
  const more = cut(rest.join(""), Math.max(0, room - text.length));
  return [
    { text, style: marks.bold },
    { text: more, style: colours.dim },
  ];
}

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** What the model does just now, else where one is. */
function footOf({ chat, now }: Model, top: number, last: number, columns: number): string {
  const { busy } = chat;
  if (busy === null) {
    if (last === 0) return "";
    return chat.follows ? "follow ▼" : `${Math.round((top / last) * 100)} %`;
  }
  const ms = Math.max(0, now - busy.since);
  const glyph = spinner[(busy.beats + Math.floor(ms / 1_000)) % spinner.length] ?? "";
  return cut(`${glyph} ${busy.state} ${duration(ms)} · Esc stops`, columns - titleRoom);
}

function drawBox(screen: Screen, model: Model): void {
  const { chat } = model;
  const { draft: rect } = chatRects(model);
  const at = inside(rect);
  const { rows, caret } = layDraft(chat.draft, draftColumns(model));
  const from = Math.max(0, Math.min(caret.row - at.rows + 1, rows.length - at.rows));
  const style = frameStyle(chat.isTyping);
  const foot = rows.length > at.rows ? `line ${caret.row + 1} of ${rows.length}` : "";
  drawFrame(screen, rect, [{ text: "you", style: colours.dim }], { style, foot });
  const end = at.x + at.columns;
  for (let index = 0; index < at.rows; index += 1) {
    const row = rows[from + index];
    if (row === undefined) break;
    const prompt = from + index === 0 ? "> " : "  ";
    const x = screen.put(at.x, at.y + index, prompt, colours.cyan, end);
    screen.put(x, at.y + index, row, colours.text, end);
  }
  if (!chat.isTyping) {
    if (rows.join("") === "") {
      screen.put(at.x + 2, at.y, "i or Enter to write", colours.dim, end);
    }
    return;
  }
  if (model.overlay === null) {
    screen.caret = { x: at.x + 2 + caret.column, y: at.y + caret.row - from };
  }
}

/** What one can do while writing, the most wanted first. */
export const typingHints: readonly { readonly keys: string; readonly hint: string }[] = [
  { keys: "Enter", hint: "send" },
  { keys: "Esc", hint: "stop, leave" },
  { keys: "/help", hint: "commands" },
  { keys: "/plan", hint: "plan" },
  { keys: "Alt-Enter", hint: "new line" },
  { keys: "PgUp", hint: "scroll" },
];
