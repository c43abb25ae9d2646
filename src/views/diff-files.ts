/** One file of a unified diff. */
export interface FileDiff {
  readonly path: string;
  /** Of a renamed file. */
  readonly oldPath: string | null;
  readonly status: "added" | "modified" | "deleted" | "renamed";
  /** Its lines are not shown and not counted. */
  readonly binary: boolean;
  readonly added: number;
  readonly removed: number;
  /** Its part of the diff, as git wrote it. */
  readonly text: string;
}

/** The files of what `git diff` writes. A changed line that looks like a header is none. */
export function filesOf(diff: string): readonly FileDiff[] {
  const parts: string[][] = [];
  let left: Hunk = { old: 0, new: 0 };
  for (const line of diff.split("\n")) {
    if (left.old > 0 || left.new > 0) left = after(left, line);
    else if (line.startsWith("diff --git ")) parts.push([]);
    else left = hunkOf(line) ?? left;
    parts.at(-1)?.push(line);
  }
  return parts.map(fileOf);
}

/** Lines of a hunk that are still to come, of either side. */
interface Hunk {
  readonly old: number;
  readonly new: number;
}

function hunkOf(line: string): Hunk | null {
  const match = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
  return match === null ? null : { old: Number(match[1] ?? 1), new: Number(match[2] ?? 1) };
}

function after(left: Hunk, line: string): Hunk {
  if (line.startsWith("+")) return { ...left, new: left.new - 1 };
  if (line.startsWith("-")) return { ...left, old: left.old - 1 };
  if (line.startsWith("\\")) return left;
  return { old: left.old - 1, new: left.new - 1 };
}

function fileOf(lines: readonly string[]): FileDiff {
  const start = lines.findIndex((line) => line.startsWith("@@ "));
  const head = start === -1 ? lines : lines.slice(0, start);
  const body = start === -1 ? [] : lines.slice(start);
  const told = (prefix: string) =>
    head.find((line) => line.startsWith(prefix))?.slice(prefix.length) ?? null;
  const renamedFrom = told("rename from ");
  const isAdded = told("new file mode ") !== null;
  const isDeleted = told("deleted file mode ") !== null;
  const path = told("rename to ") ?? sideOf(told(isDeleted ? "--- " : "+++ ")) ?? bothOf(head[0]);
  return {
    path: unquoted(path),
    oldPath: renamedFrom === null ? null : unquoted(renamedFrom),
    status: statusOf({ isAdded, isDeleted, isRenamed: renamedFrom !== null }),
    binary: head.some((line) => /^(?:Binary files |GIT binary patch)/.test(line)),
    ...countsOf(body),
    text: lines.join("\n").replace(/\n*$/, "\n"),
  };
}

function statusOf(is: Readonly<Record<"isAdded" | "isDeleted" | "isRenamed", boolean>>) {
  if (is.isAdded) return "added";
  if (is.isDeleted) return "deleted";
  return is.isRenamed ? "renamed" : "modified";
}

function countsOf(body: readonly string[]): { added: number; removed: number } {
  const count = (sign: string) => body.filter((line) => line.startsWith(sign)).length;
  return { added: count("+"), removed: count("-") };
}

/** `b/src/a.ts` without its side; null where there is none. */
function sideOf(name: string | null): string | null {
  const plain = name?.replace(/\t$/, "") ?? null;
  return plain === null || plain === "/dev/null" ? null : withoutSide(plain);
}

/** `diff --git a/x b/x`: without a rename both are the same, so the half of it is one. */
function bothOf(line = ""): string {
  const names = line.slice("diff --git ".length);
  return withoutSide(names.slice(0, (names.length - 1) / 2));
}

function withoutSide(name: string): string {
  return name.replace(/^("?)[ab]\//, "$1");
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** Git writes names with strange bytes as C strings. */
function unquoted(name: string): string {
  if (!name.startsWith('"') || !name.endsWith('"')) return name;
  const bytes: number[] = [];
  for (const [part] of name.slice(1, -1).matchAll(/\\[0-7]{3}|\\.|[^\\]+/gsu)) {
    if (!part.startsWith("\\")) bytes.push(...new TextEncoder().encode(part));
    else if (part.length === 4) bytes.push(Number.parseInt(part.slice(1), 8));
    else bytes.push(escapes[part.slice(1)] ?? part.charCodeAt(1));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
