/** A line, or a few, that a person types. The cursor stands between clusters. */
export interface Draft {
  readonly before: string;
  readonly after: string;
}

export const emptyDraft: Draft = { before: "", after: "" };
const charsMax = 100_000;
const firstBeyondAscii = 0x80;
const segmenter = new Intl.Segmenter();

export function textIn({ before, after }: Draft): string {
  return before + after;
}

export function typed(draft: Draft, text: string): Draft {
  const before = `${draft.before}${text}`;
  return before.length + draft.after.length > charsMax ? draft : { ...draft, before };
}

/** What a key does to it; null when it is none of its keys. */
export function edited(draft: Draft, key: string): Draft | null {
  const { before, after } = draft;
  switch (key) {
    case "space":
      return typed(draft, " ");
    case "backspace":
      return { before: withoutLast(before), after };
    case "delete":
    case "C-d":
      return { before, after: withoutFirst(after) };
    case "left":
    case "C-b":
      return moved(draft, -1);
    case "right":
    case "C-f":
      return moved(draft, 1);
    case "home":
    case "C-a": {
      const begin = before.lastIndexOf("\n") + 1;
      return { before: before.slice(0, begin), after: before.slice(begin) + after };
    }
    case "end":
    case "C-e": {
      const end = endOfLine(after);
      return { before: before + after.slice(0, end), after: after.slice(end) };
    }
    case "C-u":
      return { before: before.slice(0, before.lastIndexOf("\n") + 1), after };
    case "C-k":
      return { before, after: after.slice(endOfLine(after)) };
    case "C-w":
      return { before: before.replace(/\S*\s*$/u, ""), after };
    default:
      return isText(key) ? typed(draft, key) : null;
  }
}

function endOfLine(after: string): number {
  const end = after.indexOf("\n");
  return end === -1 ? after.length : end;
}

/** Names of keys are longer than a character, and ASCII. */
function isText(key: string): boolean {
  return key.length === 1 || key.charCodeAt(0) >= firstBeyondAscii;
}

function moved({ before, after }: Draft, by: 1 | -1): Draft {
  if (by === -1) {
    const rest = withoutLast(before);
    return { before: rest, after: before.slice(rest.length) + after };
  }
  const rest = withoutFirst(after);
  return { before: before + after.slice(0, after.length - rest.length), after: rest };
}

function withoutLast(text: string): string {
  const last = [...segmenter.segment(text)].at(-1);
  return last === undefined ? "" : text.slice(0, last.index);
}

function withoutFirst(text: string): string {
  const [first] = segmenter.segment(text);
  return first === undefined ? "" : text.slice(first.segment.length);
}
