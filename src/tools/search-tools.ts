import type { Listing } from "../ports.ts";
import { counted } from "./file-tools.ts";
import { defineTool, done, type Tool } from "./tool.ts";

const directory = {
  type: "string",
  description: "A directory relative to the worktree; the worktree itself when left out.",
} as const;

/** The entries of a directory. */
export const list: Tool = defineTool({
  name: "list",
  description:
    "Lists a directory, sorted; directories end in /. What is in node_modules is left out.",
  inputSchema: {
    type: "object",
    properties: {
      path: directory,
      depth: {
        type: "integer",
        minimum: 1,
        maximum: 10,
        description: "How many levels to show; 2 when left out.",
      },
    },
    required: [],
    additionalProperties: false,
  },
  async run({ path = "", depth = 2 }, { files }) {
    const name = files.relative(path);
    const listing = await files.list(name, depth);
    if (listing.paths.length === 0) return done(`${name === "" ? "the worktree" : name} is empty`);
    return done(drawn(listing, "name a directory, or a smaller depth"));
  },
});

/** Files by pattern. */
export const glob: Tool = defineTool({
  name: "glob",
  description:
    "Finds files whose path matches a pattern such as **/*.test.ts or src/{a,b}/*. Sorted. " +
    "Does not look into node_modules unless the pattern names it.",
  inputSchema: {
    type: "object",
    properties: {
      pattern: { type: "string", minLength: 1, description: "A glob pattern." },
      path: { ...directory, description: "The directory to search; the worktree when left out." },
    },
    required: ["pattern"],
    additionalProperties: false,
  },
  async run({ pattern, path = "" }, { files }) {
    const listing = await files.glob(pattern, files.relative(path));
    if (listing.paths.length > 0) return done(drawn(listing, "use a narrower pattern"));
    const deeper = pattern.includes("/") ? "" : `; to look in all directories use **/${pattern}`;
    return done(`no file matches ${pattern}${deeper}`);
  },
});

/** Lines by regular expression. */
export const grep: Tool = defineTool({
  name: "grep",
  description:
    "Searches file contents for a regular expression (ripgrep's syntax), line by line. Results " +
    "are path:line:text. Ignored files and node_modules are left out unless path names them.",
  inputSchema: {
    type: "object",
    properties: {
      pattern: { type: "string", minLength: 1, description: "A regular expression." },
      path: {
        ...directory,
        description: "The file or directory to search; the worktree when left out.",
      },
      glob: { type: "string", minLength: 1, description: "Only files that match, such as *.ts." },
      ignore_case: { type: "boolean", description: "Upper and lower case are the same." },
      context: {
        type: "integer",
        minimum: 0,
        maximum: 20,
        description: "Lines to show before and after each match.",
      },
    },
    required: ["pattern"],
    additionalProperties: false,
  },
  async run({ pattern, path = "", glob: only, ignore_case = false, context = 0 }, bench, signal) {
    const where = bench.files.relative(path);
    const query = { pattern, path: where, glob: only ?? null, ignoreCase: ignore_case, context };
    const found = (await bench.files.grep(query, signal)).trimEnd();
    return done(found === "" ? `no line matches ${pattern}` : found);
  },
});

function drawn({ paths, more }: Listing, remedy: string): string {
  if (more === 0) return paths.join("\n");
  const rest = more === null ? "many more" : counted(more, "more").replace(/s$/u, "");
  return `${paths.join("\n")}\n[${rest} not shown: ${remedy}]`;
}
