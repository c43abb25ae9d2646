/** A unified diff, taken apart. */
import { plain } from "../../src/views/plain.ts";

export interface DiffLine {
  readonly kind: "same" | "added" | "removed" | "note";
  readonly text: string;
  readonly before: number | null;
  readonly after: number | null;
}

export interface DiffFile {
  readonly name: string;
  readonly added: number;
  readonly removed: number;
  readonly hunks: readonly { readonly head: string; readonly lines: readonly DiffLine[] }[];
}

/** What git writes between two files, each with its hunks. */
export function filesOf(diff: string): readonly DiffFile[] {
  const parts = diff.split(/^(?=diff --git )/m).filter((part) => part.startsWith("diff --git "));
  return parts.map(fileOf);
}

function fileOf(part: string): DiffFile {
  const [head = "", ...hunkTexts] = part.split(/^(?=@@ )/m);
  const hunks = hunkTexts.map(hunkOf);
  const lines = hunks.flatMap((hunk) => hunk.lines);
  const counted = (kind: DiffLine["kind"]) => lines.filter((each) => each.kind === kind).length;
  const notes = hunks.length === 0 ? [{ head: "", lines: [noteOf(head)] }] : hunks;
  return { name: nameOf(head), added: counted("added"), removed: counted("removed"), hunks: notes };
}

/** Binary files and changes of mode have no hunks. */
function noteOf(head: string): DiffLine {
  const text = head.split("\n").slice(1).join(" · ");
  return { kind: "note", text: plain(text), before: null, after: null };
}

function nameOf(head: string): string {
  const after = /^\+\+\+ (?:b\/)?(.*)$/m.exec(head)?.[1];
  const before = /^--- (?:a\/)?(.*)$/m.exec(head)?.[1];
  const first = /^diff --git a\/(.*) b\//.exec(head)?.[1];
  const name = after === undefined || after === "/dev/null" ? (before ?? first) : after;
  return plain(name ?? "?").replace(/\s+/g, " ");
}

function hunkOf(text: string): DiffFile["hunks"][number] {
  const [head = "", ...rest] = text.replace(/\n$/, "").split("\n");
  const [, from = "1", to = "1"] = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(head) ?? [];
  let before = Number(from);
  let after = Number(to);
  const lines = rest.map((raw): DiffLine => {
    const content = plain(raw.slice(1));
    if (raw.startsWith("+")) return { kind: "added", text: content, before: null, after: after++ };
    if (raw.startsWith("-"))
      return { kind: "removed", text: content, before: before++, after: null };
    if (raw.startsWith("\\")) return { kind: "note", text: content, before: null, after: null };
    return { kind: "same", text: content, before: before++, after: after++ };
  });
  return { head: plain(head), lines };
}
