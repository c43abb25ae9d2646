import { ToolRefusal } from "../ports.ts";
import { closestRegion } from "./closest.ts";
import { counted } from "./file-tools.ts";
import { defineTool, done, type Tool } from "./tool.ts";

const placesMax = 10;
/** No file may have more; what would is not even made. */
const textCharsMax = 2_000_000;

/** Replaces a text that occurs once, or all of its occurrences. */
export const edit: Tool = defineTool({
  name: "edit",
  description:
    "Replaces old_string by new_string in a file that was read before. old_string must match " +
    "exactly, with its indentation, and occur once: give enough lines around it, or replace_all.",
  inputSchema: {
    type: "object",
    properties: {
      path: { type: "string", minLength: 1, description: "A path relative to the worktree." },
      old_string: { type: "string", description: "The text to replace, as it is in the file." },
      new_string: { type: "string", description: "The text to put in its place." },
      replace_all: { type: "boolean", description: "Replace every occurrence; else only one." },
    },
    required: ["path", "old_string", "new_string"],
    additionalProperties: false,
  },
  async run({ path, old_string, new_string, replace_all = false }, bench) {
    const name = bench.files.relative(path);
    if (old_string === "") {
      throw new ToolRefusal("old_string is empty: give the text to replace, or use write");
    }
    if (old_string === new_string) {
      throw new ToolRefusal("old_string and new_string are the same: nothing would change");
    }
    const seen = bench.reads.get(name);
    const file = await bench.files.read(name);
    if (seen === undefined) throw new ToolRefusal(`read ${name} before you edit it`);
    if (seen !== file.version) {
      throw new ToolRefusal(`${name} changed since you read it: read it again`);
    }
    const change = replaced(name, file.text, { old_string, new_string, replace_all });
    const { version } = await bench.files.write(name, change.text, seen);
    bench.reads.set(name, version);
    return done(`edited ${name}: ${change.told}`);
  },
});

interface Replacement {
  readonly old_string: string;
  readonly new_string: string;
  readonly replace_all: boolean;
}

interface Change {
  readonly text: string;
  readonly told: string;
}

function replaced(name: string, text: string, wanted: Replacement): Change {
  const { old, by } = inLineEndsOf(text, wanted);
  const pieces = text.split(old);
  const places = lineNumbers(pieces, old);
  if (places.length === 0) throw new ToolRefusal(notFound(name, text, wanted.old_string));
  if (places.length > 1 && !wanted.replace_all) {
    throw new ToolRefusal(
      `old_string occurs ${places.length} times in ${name}, at lines ${listed(places)}: ` +
        "add lines around the one you mean, or set replace_all",
    );
  }
  const chars = text.length + places.length * (by.length - old.length);
  if (chars > textCharsMax) {
    throw new ToolRefusal(
      `${name} would have ${chars} characters; a file may have ${textCharsMax}`,
    );
  }
  const what = counted(places.length, "replacement");
  const where = `${places.length === 1 ? "line" : "lines"} ${listed(places)}`;
  return { text: pieces.join(by), told: `${what}, at ${where}` };
}

/** Models write `\n`; a file with `\r\n` keeps its own, also in the new text. */
function inLineEndsOf(text: string, wanted: Replacement): { old: string; by: string } {
  const ends = text.split("\n").length - 1;
  const carriages = text.split("\r\n").length - 1;
  if (carriages * 2 <= ends) return { old: wanted.old_string, by: wanted.new_string };
  const old = wanted.old_string.replace(/\r?\n/gu, "\r\n");
  const by = wanted.new_string.replace(/\r?\n/gu, "\r\n");
  return { old: text.includes(old) ? old : wanted.old_string, by };
}

/** The line on which each occurrence begins. */
function lineNumbers(pieces: readonly string[], old: string): readonly number[] {
  const places: number[] = [];
  let line = 1;
  for (const piece of pieces.slice(0, -1)) {
    line += newlines(piece);
    places.push(line);
    line += newlines(old);
  }
  return places;
}

function newlines(text: string): number {
  return text.split("\n").length - 1;
}

function listed(places: readonly number[]): string {
  const first = places.slice(0, placesMax).join(", ");
  return places.length > placesMax ? `${first} and ${places.length - placesMax} more` : first;
}

function notFound(name: string, text: string, old: string): string {
  return `old_string is not in ${name}. ${closestRegion(text, old)}`;
}
