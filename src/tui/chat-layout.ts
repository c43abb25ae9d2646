/** Where the parts of the chat are, and its transcript as lines. */
import { strip } from "../cli/text.ts";
import { layDraft } from "./chat-draft.ts";
import type { ChatBlock } from "./chat-model.ts";
import { inside, layoutOf, type Rect } from "./layout.ts";
import type { Model } from "./model.ts";
import { colours, type Line, marks, plainLine, type Span } from "./style.ts";
import { wrapped } from "./wrap.ts";

/** The box where one writes grows up to this part of the view. */
const draftShare = 3;
const frameRows = 2;

export interface ChatRects {
  /** With their frames. */
  readonly transcript: Rect;
  readonly draft: Rect;
}

export function chatRects(model: Model): ChatRects {
  const { body } = layoutOf(model);
  const { rows } = layDraft(model.chat.draft, draftColumns(model));
  const most = Math.max(1, Math.floor(body.rows / draftShare) - frameRows);
  const high = Math.min(body.rows, Math.min(rows.length, most) + frameRows);
  const transcript = { ...body, rows: body.rows - high };
  return { transcript, draft: { ...body, y: body.y + transcript.rows, rows: high } };
}

const promptColumns = 2;

/** Of text; a prompt stands before it. */
export function draftColumns(model: Model): number {
  return Math.max(4, inside(layoutOf(model).body).columns - promptColumns);
}

export function chatRows(model: Model): number {
  return Math.max(1, inside(chatRects(model).transcript).rows);
}

export function shownLines(model: Model): readonly Line[] {
  const { columns } = inside(chatRects(model).transcript);
  return wrapped(linesOf(model.chat.blocks), columns);
}

/** The first row that is shown, and the last that can be. */
export function chatTop(model: Model): { readonly top: number; readonly last: number } {
  const last = Math.max(0, shownLines(model).length - chatRows(model));
  const { top, follows } = model.chat;
  return { top: follows ? last : Math.min(top, last), last };
}

const known = new WeakMap<readonly ChatBlock[], readonly Line[]>();
const knownBlocks = new WeakMap<ChatBlock, readonly Line[]>();

function linesOf(blocks: readonly ChatBlock[]): readonly Line[] {
  if (blocks.length === 0) return welcome;
  const found = known.get(blocks);
  if (found !== undefined) return found;
  const lines = blocks.flatMap((block, index) => {
    const isApart = index > 0 && (block.from === "person" || blocks[index - 1]?.from === "person");
    return isApart ? [plainLine(""), ...blockLines(block)] : blockLines(block);
  });
  known.set(blocks, lines);
  return lines;
}

const welcome: readonly Line[] = [
  plainLine(
    "Talk with a model about this repository. It can look at tracked files, no more.",
    colours.dim,
  ),
  plainLine("/plan makes a draft plan of the conversation; /help lists all commands.", colours.dim),
];

function blockLines(block: ChatBlock): readonly Line[] {
  const found = knownBlocks.get(block);
  if (found !== undefined) return found;
  const lines = drawn(block);
  knownBlocks.set(block, lines);
  return lines;
}

function drawn({ from, text }: ChatBlock): readonly Line[] {
  const rows = strip(text).trimEnd().split("\n");
  switch (from) {
    case "person":
      return rows.map((row, index) => [
        { text: index === 0 ? "> " : "  ", style: colours.cyan | marks.bold },
        { text: row, style: marks.bold },
      ]);
    case "model":
      return marked(rows);
    case "tool":
      return rows.map((row) => plainLine(`→ ${row}`, colours.dim));
    case "failed":
      return rows.map((row) => plainLine(`✗ ${row}`, colours.yellow));
    case "note":
      return rows.map((row) => plainLine(`· ${row}`, colours.yellow));
    case "error":
      return rows.map((row) => plainLine(`✗ ${row}`, colours.red | marks.bold));
    default:
      return from satisfies never;
  }
}

/** As much of Markdown as a terminal needs: headings stand out, and code. */
function marked(rows: readonly string[]): readonly Line[] {
  let isCode = false;
  return rows.map((row) => {
    if (/^\s*(?:```|~~~)/.test(row)) {
      isCode = !isCode;
      return plainLine(row, colours.dim);
    }
    if (isCode) return plainLine(row, colours.cyan);
    return /^#{1,6} /.test(row) ? plainLine(row, marks.bold) : spansOf(row);
  });
}

function spansOf(row: string): Line {
  return row.split(/(`[^`]+`|\*\*[^*]+\*\*)/).flatMap((piece): readonly Span[] => {
    if (piece === "") return [];
    if (piece.startsWith("`") && piece.length > 2) {
      return [{ text: piece.slice(1, -1), style: colours.cyan }];
    }
    if (piece.startsWith("**") && piece.length > 4) {
      return [{ text: piece.slice(2, -2), style: marks.bold }];
    }
    return [{ text: piece, style: colours.text }];
  });
}
