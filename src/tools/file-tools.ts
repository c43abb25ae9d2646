import { didYouMean } from "../core/did-you-mean.ts";
import { FileMissing, ToolRefusal } from "../ports.ts";
import { cutEnd } from "./cut.ts";
import { defineTool, done, type Tool, type ToolBench } from "./tool.ts";

const linesDefault = 2000;
const lineCharsMax = 2000;
/** Of one page; the next page is one call away. */
const pageCharsMax = 50_000;
const similarMax = 3;

const path = {
  type: "string",
  minLength: 1,
  description: "A path relative to the worktree, such as src/index.ts.",
} as const;

/** Numbered lines, a page at a time. What was read may be edited. */
export const read: Tool = defineTool({
  name: "read",
  description:
    "Reads a text file. Lines come numbered: number, tab, text. Read a file before you edit it; " +
    "leave the numbers out of edits. Long files come in pages: go on with offset.",
  inputSchema: {
    type: "object",
    properties: {
      path,
      offset: {
        type: "integer",
        minimum: 1,
        maximum: 10_000_000,
        description: "The first line to read, counted from 1.",
      },
      limit: {
        type: "integer",
        minimum: 1,
        maximum: linesDefault,
        description: `How many lines to read at most; ${linesDefault} when left out.`,
      },
    },
    required: ["path"],
    additionalProperties: false,
  },
  async run({ path: asked, offset = 1, limit = linesDefault }, bench) {
    const name = bench.files.relative(asked);
    const { text, version } = await bench.files.read(name).catch(async (error: unknown) => {
      if (error instanceof FileMissing) throw await withSimilar(name, error, bench);
      throw error;
    });
    bench.reads.set(name, version);
    return done(page(name, linesOf(text), { offset, limit }, bench));
  },
});

/** Creates a file, or replaces one that was read. */
export const write: Tool = defineTool({
  name: "write",
  description:
    "Writes a whole file: creates it with its directories, or replaces it. A file that exists " +
    "must have been read before. To change a part of a file use edit.",
  inputSchema: {
    type: "object",
    properties: { path, content: { type: "string", description: "The whole text of the file." } },
    required: ["path", "content"],
    additionalProperties: false,
  },
  async run({ path: asked, content }, bench) {
    const name = bench.files.relative(asked);
    const known = bench.reads.get(name) ?? null;
    const { version } = await bench.files.write(name, content, known);
    bench.reads.set(name, version);
    const verb = known === null ? "created" : "replaced";
    const bytes = new TextEncoder().encode(content).length;
    return done(`${verb} ${name}: ${counted(linesOf(content).length, "line")}, ${bytes} bytes`);
  },
});

/** The lines of a text, without their ends; a line end at the end begins no line. */
export function linesOf(text: string): readonly string[] {
  if (text === "" || text === "\uFEFF") return [];
  const lines = text.replace(/^\uFEFF/u, "").split(/\r?\n/u);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** Lines as `read` shows them. `first` is the number of the first. */
export function numbered(lines: readonly string[], first: number): string {
  return lines.map((line, index) => `${String(first + index).padStart(6)}\t${line}`).join("\n");
}

/** "1 line", "2 lines". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function page(
  name: string,
  lines: readonly string[],
  { offset, limit }: { readonly offset: number; readonly limit: number },
  bench: ToolBench,
): string {
  if (lines.length === 0) return `${name} is empty`;
  if (offset > lines.length) {
    throw new ToolRefusal(
      `${name} has only ${counted(lines.length, "line")}: use a smaller offset than ${offset}`,
    );
  }
  const shown: string[] = [];
  let chars = 0;
  for (const line of lines.slice(offset - 1, offset - 1 + limit)) {
    const text = shortened(line, bench);
    chars += text.length + 8;
    if (chars > pageCharsMax && shown.length > 0) break;
    shown.push(text);
  }
  const next = offset + shown.length;
  const left = lines.length - next + 1;
  const rest = left > 0 ? `\n[${counted(left, "more line")}: go on with offset ${next}]` : "";
  return numbered(shown, offset) + rest;
}

/** Redacted before it is cut: half a secret is recognised by nobody. */
function shortened(line: string, bench: ToolBench): string {
  if (line.length <= lineCharsMax) return line;
  const head = cutEnd(bench.redact(line), lineCharsMax);
  return `${head} [… line of ${line.length} characters cut]`;
}

async function withSimilar(
  name: string,
  missing: FileMissing,
  bench: ToolBench,
): Promise<FileMissing> {
  const similar = await similarPaths(name, bench);
  const hint = similar.length === 0 ? "use glob or list" : `did you mean ${similar.join(" or ")}?`;
  return new FileMissing(`${missing.message}; ${hint}`);
}

/** Files of the same name elsewhere, or else of a like name in the same directory. */
async function similarPaths(name: string, bench: ToolBench): Promise<readonly string[]> {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const { paths } = await bench.files.glob(`**/${base.replace(/[^\p{L}\p{N}._-]/gu, "?")}`, "");
  if (paths.length > 0) return paths.slice(0, similarMax);
  const directory = name.slice(0, Math.max(0, name.lastIndexOf("/")));
  const siblings = await bench.files.list(directory, 1).catch((error: unknown) => {
    if (error instanceof ToolRefusal) return { paths: [] };
    throw error;
  });
  const files = siblings.paths.filter((each) => !each.endsWith("/") && !each.includes(" -> "));
  const like = didYouMean(name, files) ?? files.find((each) => stem(each) === stem(name));
  return like === undefined ? [] : [like];
}

function stem(name: string): string {
  return name.replace(/\.[^./]*$/u, "");
}
