import { counted, linesOf, numbered } from "./file-tools.ts";

const linesComparedMax = 20;
const linesShownMax = 12;
const lineCharsMax = 200;
/** Of lines; then the exact place is given up: file and text are both a model's. */
const comparisonsMax = 5_000_000;

/** What a model should look at when the text that it wanted to replace is not there. */
export function closestRegion(text: string, old: string): string {
  const lines = linesOf(text);
  const wanted = old.split(/\r?\n/u);
  const bare = wanted.map((line) => line.replace(/^\s*\d+\t/u, ""));
  if (wanted.every((line, index) => line === "" || line !== bare[index])) {
    if (text.replaceAll("\r\n", "\n").includes(bare.join("\n"))) {
      return "It has the line numbers that read puts before each line: leave them out.";
    }
  }
  const sought = trimmed(bare).map(squeezed);
  if (sought.length === 0) return "It is only white space: give the lines around it too.";
  const have = lines.map(squeezed);
  const same = placeOf(have, sought);
  if (same >= 0) {
    return `Lines ${span(same, sought.length)} differ from it in white space only; they are\n${shown(lines, same, sought.length)}`;
  }
  const best = bestStart(have, sought);
  if (best === null) return "Nothing in the file is like it: read the file again.";
  return `The closest is at lines ${span(best, sought.length)}:\n${shown(lines, best, sought.length)}`;
}

/** Where all of the lines are the same; -1 for nowhere. */
function placeOf(have: readonly string[], sought: readonly string[]): number {
  let left = comparisonsMax;
  const isSame = (line: string, index: number, at: number) => {
    left -= 1;
    return left > 0 && have[at + index] === line;
  };
  return have.findIndex(
    (_, at) => left > 0 && sought.every((line, index) => isSame(line, index, at)),
  );
}

/** Without the empty lines around. */
function trimmed(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return first < 0 ? [] : lines.slice(first, last + 1);
}

function squeezed(line: string): string {
  return line.trim().replace(/\s+/gu, " ");
}

/** Where most of the lines are the same, or at least the words of the first line. */
function bestStart(have: readonly string[], sought: readonly string[]): number | null {
  const compared = sought.slice(0, linesComparedMax);
  const words = new Set((compared[0] ?? "").split(/\W+/u).filter((word) => word.length > 2));
  let best: number | null = null;
  let most = 0;
  for (const [at, line] of have.entries()) {
    const same = compared.filter((each, index) => each !== "" && have[at + index] === each).length;
    const shared = line.split(/\W+/u).filter((word) => words.has(word)).length;
    const score = same + Math.min(1, shared / Math.max(2, words.size)) * 0.9;
    if (score <= most) continue;
    most = score;
    best = at;
  }
  return most >= 0.4 ? best : null;
}

function span(start: number, length: number): string {
  return length === 1 ? `${start + 1}` : `${start + 1}–${start + length}`;
}

function shown(lines: readonly string[], start: number, length: number): string {
  const region = lines.slice(start, start + length);
  const some = region.slice(0, linesShownMax).map((line) => line.slice(0, lineCharsMax));
  const rest = region.length - some.length;
  return numbered(some, start + 1) + (rest > 0 ? `\n[${counted(rest, "more line")}]` : "");
}
