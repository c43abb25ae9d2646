/** What stands over the screen. */
import { age } from "../cli/numbers.ts";
import { cut, oneLine, pad, strip, width } from "../cli/text.ts";
import { drawChats } from "./chat-history.ts";
import { type Draft, textIn } from "./editor.ts";
import { centred, clearRect, drawFrame, putCut } from "./frame.ts";
import { actions, bindingOf, keyName } from "./keys.ts";
import { inside, type Rect } from "./layout.ts";
import type { Model, Overlay } from "./model.ts";
import { paletteRows } from "./overlays.ts";
import type { Screen } from "./screen.ts";
import { colours, type Line, marks, plainLine } from "./style.ts";
import { wrapped } from "./wrap.ts";

type Of<Type extends Overlay["type"]> = Extract<Overlay, { readonly type: Type }>;

export function drawOverlay(screen: Screen, model: Model): void {
  const { overlay } = model;
  switch (overlay?.type) {
    case "help":
      drawHelp(screen, model, overlay);
      break;
    case "palette":
      drawPalette(screen, model, overlay);
      break;
    case "confirm":
      drawConfirm(screen, overlay);
      break;
    case "alerts":
      drawAlerts(screen, model, overlay);
      break;
    case "questions":
      drawQuestions(screen, model, overlay);
      break;
    case "chats":
      drawChats(screen, model, overlay);
      break;
    default:
  }
}

/** On the hint line: a word for what is asked, and what was typed. */
export function drawAsk(screen: Screen, { title, draft }: Of<"ask">, y: number): void {
  const end = screen.columns - 1;
  const label = cut(`${oneLine(title)}: `, Math.max(1, Math.floor(end / 2)));
  const x = screen.put(1, y, label, marks.bold | colours.yellow, end);
  drawDraft(screen, draft, x, y, end);
}

/** What goes beyond the end leaves at the beginning: the caret is always seen. */
function drawDraft(screen: Screen, draft: Draft, x: number, y: number, end: number): void {
  const room = Math.max(1, end - x - 1);
  let before = strip(draft.before).replaceAll("\n", " ");
  while (width(before) > room) before = [...before].slice(1).join("");
  const at = screen.put(x, y, before, colours.text, end);
  screen.put(at, y, strip(draft.after).replaceAll("\n", " "), colours.text, end);
  screen.caret = { x: at, y };
}

function box(screen: Screen, rect: Rect, title: string, foot: string): Rect {
  clearRect(screen, rect);
  drawFrame(screen, rect, [{ text: title, style: marks.bold }], { style: colours.cyan, foot });
  return inside(rect);
}

const helpColumns = 76;
const keysColumns = 14;

/** Made of the key table, as it is remapped. */
function drawHelp(screen: Screen, model: Model, { top, filter }: Of<"help">): void {
  const words = textIn(filter).toLowerCase();
  const rows = actions
    .map((action) => ({
      keys: model.keys[action].map(keyName).join(" "),
      text: bindingOf(action).help,
    }))
    .filter(({ keys, text }) => `${keys} ${text}`.toLowerCase().includes(words));
  const rect = centred(screen, helpColumns, rows.length + 4);
  const title = words === "" ? "help: type to search, Esc closes" : `help: ${oneLine(words)}`;
  const at = box(screen, rect, title, `${rows.length} keys, ↑ ↓ scroll`);
  const first = Math.min(top, Math.max(0, rows.length - at.rows));
  for (const [index, { keys, text }] of rows.slice(first, first + at.rows).entries()) {
    const x = screen.put(at.x + 1, at.y + index, pad(keys, keysColumns), marks.bold | colours.cyan);
    putCut(screen, x + 1, at.y + index, { text, style: colours.text }, at.x + at.columns);
  }
}

const paletteColumns = 72;
const paletteRowsMax = 16;

function drawPalette(screen: Screen, model: Model, { draft, index }: Of<"palette">): void {
  const rows = paletteRows(model, draft);
  const rect = centred(screen, paletteColumns, paletteRowsMax + 3);
  const at = box(screen, rect, "command", `${rows.length} of ${actions.length}`);
  const x = screen.put(at.x, at.y, "› ", marks.bold | colours.cyan);
  drawDraft(screen, draft, x, at.y, at.x + at.columns);
  const selected = Math.min(index, Math.max(0, rows.length - 1));
  const room = Math.max(1, at.rows - 1);
  const top = Math.max(0, selected - room + 1);
  for (const [row, action] of rows.slice(top, top + room).entries()) {
    const y = at.y + 1 + row;
    const keys = model.keys[action].map(keyName).join(" ");
    const end = at.x + at.columns;
    const named = screen.put(at.x + 1, y, pad(action, 19), marks.bold, end);
    putCut(
      screen,
      named,
      y,
      { text: bindingOf(action).help, style: colours.text },
      end - width(keys) - 2,
    );
    screen.put(end - width(keys) - 1, y, keys, colours.dim, end);
    if (top + row === selected) screen.mark(at.x, y, end, marks.selected);
  }
}

const confirmColumns = 64;

function drawConfirm(screen: Screen, { text }: Of<"confirm">): void {
  const wide = Math.min(confirmColumns, screen.columns - 2) - 4;
  const lines = wrapped([plainLine(oneLine(text))], Math.max(1, wide)).slice(0, 4);
  const rect = centred(screen, confirmColumns, lines.length + 4);
  const at = box(screen, rect, "sure?", "");
  drawLines(screen, lines, { ...at, x: at.x + 1 });
  const y = at.y + lines.length + 1;
  const yes = screen.put(at.x + 1, y, "y", marks.bold | colours.cyan);
  const no = screen.put(yes, y, " yes   ", colours.text);
  const rest = screen.put(no, y, "n", marks.bold | colours.cyan);
  screen.put(rest, y, " no", colours.text);
}

/** The first of them, and a sign where there are more. */
function cutLines(lines: readonly Line[], max: number): readonly Line[] {
  const shown = lines.slice(0, max);
  const last = shown.at(-1);
  if (last === undefined || lines.length <= max) return shown;
  return [...shown.slice(0, -1), [...last, ...plainLine("…")]];
}

function drawLines(screen: Screen, lines: readonly Line[], { x, y }: Rect): void {
  for (const [index, line] of lines.entries()) {
    let at = x;
    for (const { text, style } of line) at = screen.put(at, y + index, text, style);
  }
}

const alertColumns = 90;
const levelStyles = { critical: colours.red, warn: colours.yellow, info: colours.cyan } as const;

function drawAlerts(screen: Screen, model: Model, { top }: Of<"alerts">): void {
  const alerts = model.status?.alerts ?? [];
  const wide = Math.max(1, Math.min(alertColumns, screen.columns - 2) - 4);
  const lines = alerts.flatMap(({ level, since, text, remedy }): readonly Line[] => {
    const style = levelStyles[level] | marks.bold;
    const head = { text: `${level}, since ${age(Date.parse(since), model.now)}`, style };
    const words = [plainLine(oneLine(text)), plainLine(`→ ${oneLine(remedy)}`)];
    return [[head], ...wrapped(words, wide), plainLine("")];
  });
  const rect = centred(screen, alertColumns, Math.max(1, lines.length) + 2);
  const at = box(screen, rect, `alerts (${alerts.length})`, "↑ ↓ scroll, Esc closes");
  if (alerts.length === 0) {
    screen.put(at.x + 1, at.y, "All is as it should be.", colours.dim);
    return;
  }
  const first = Math.min(top, Math.max(0, lines.length - at.rows));
  drawLines(screen, lines.slice(first, first + at.rows), { ...at, x: at.x + 1 });
}

const questionColumns = 100;

function drawQuestions(screen: Screen, model: Model, { index }: Of<"questions">): void {
  const { questions } = model;
  const columns = Math.min(questionColumns, screen.columns) - 6;
  const texts = questions.map(({ question }) => questionLines(question, columns));
  const rows = texts.reduce((sum, lines) => sum + lines.length + 2, 1);
  const rect = centred(screen, questionColumns, Math.max(3, rows));
  const title = questions.length === 1 ? "1 question" : `${questions.length} questions`;
  const at = box(screen, rect, title, "Enter answers, Esc closes");
  if (questions.length === 0) {
    screen.put(at.x + 1, at.y, "Nothing waits for your word.", colours.dim);
    return;
  }
  drawEach(screen, model, { at, texts, index, isRoomy: rows <= at.rows + 2 });
}

interface Laid {
  readonly at: Rect;
  readonly texts: readonly (readonly Line[])[];
  readonly index: number;
  readonly isRoomy: boolean;
}

/** Where there is room each is whole; else the others make room for the one that is selected. */
function drawEach(screen: Screen, model: Model, { at, texts, index, isRoomy }: Laid): void {
  const { questions } = model;
  const selected = Math.min(index, questions.length - 1);
  let y = at.y;
  for (const [row, question] of questions.entries()) {
    if (!isRoomy && row < selected - 1) continue;
    const room = at.y + at.rows - y;
    if (room < 2) break;
    const style = row === selected ? marks.bold | colours.magenta : colours.magenta;
    const text = questionHead(question, model.now);
    putCut(screen, at.x + 1, y, { text, style }, at.x + at.columns);
    const wanted = isRoomy || row === selected ? room - 1 : 1;
    const lines = cutLines(texts[row] ?? [], wanted);
    drawLines(screen, lines, { ...at, x: at.x + 3, y: y + 1 });
    if (row === selected) screen.mark(at.x, y, at.x + at.columns, marks.selected);
    y += 2 + lines.length;
  }
}

function questionHead(question: Model["questions"][number], now: number): string {
  const { id, title, about, holdsUp, askedAt } = question;
  const held = holdsUp === 0 ? "" : `, holds up ${holdsUp}`;
  return `◆ ${id} ${oneLine(title)} (${about}, ${age(Date.parse(askedAt), now)}${held})`;
}

function questionLines(question: string, columns: number): readonly Line[] {
  return wrapped(
    strip(question)
      .split("\n")
      .map((line) => plainLine(line)),
    columns,
  );
}
