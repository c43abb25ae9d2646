import { didYouMean } from "./did-you-mean.ts";
import { firstCycle, inOrder } from "./document-order.ts";
import { type OwnLimits, type Priority, priorities } from "./loop.ts";

/** A file that a document loop wrote, checked: what one of its children is to do. */
export interface Document {
  /** Relative to the output directory: `specs/01-schema.md`; "" for a loop's own task. */
  readonly path: string;
  /** The file's name without `.md`: how its siblings speak of it. */
  readonly name: string;
  readonly title: string;
  /** The whole file, with plain line ends. */
  readonly text: string;
  /** The type of loop that carries it out; null: it is there to be read. */
  readonly becomes: string | null;
  /** That type's own model; without one its loops work with their parent's. */
  readonly model?: string;
  /** What a loop of that type may take; without them its loops may take what their parent may. */
  readonly limits?: OwnLimits;
  readonly dependsOn: readonly string[];
  readonly priority: Priority | null;
  readonly touches: readonly string[];
  readonly acceptance: readonly string[];
  readonly validate: string | null;
  readonly allowGateChange: readonly string[];
}

/** What a type's document loops write. */
export interface Begets {
  /** The type of the children. */
  readonly type: string;
  /** Folders of documents that become children; the first that has any counts. */
  readonly from: readonly string[];
  /** A document of the loop's own that must be there; null when it needs none. */
  readonly document: string | null;
  /** Without documents in its folders, one child carries out the own document, or the task. */
  readonly alone: boolean;
}

/** A file as it was read: `text` is null where `problem` says why. */
export interface OutputFile {
  readonly path: string;
  readonly text: string | null;
  readonly problem: string | null;
}

export interface FrontMatter {
  /** Plain values; null when there is no front matter or it cannot be read. */
  readonly value: unknown;
  readonly problems: readonly { readonly line: number; readonly message: string }[];
  /** Of a key, or of one entry of its list. */
  lineOf(path: readonly (string | number)[]): number;
}

/** Reads what stands between the first two `---`; never throws. */
export type ReadFrontMatter = (path: string, text: string) => FrontMatter;

export interface DocumentProblem {
  readonly path: string;
  readonly line: number | null;
  readonly message: string;
  readonly remedy: string;
}

export interface CheckedDocuments {
  readonly documents: readonly Document[];
  /** Empty: the documents are whole. */
  readonly problems: readonly DocumentProblem[];
}

export const documentsMax = 60;
export const documentBytesMax = 256 * 1024;
export const documentsBytesMax = 1024 * 1024;
/** In the worktree of a document loop; never in a commit. */
export const outputDirectory = ".td-out";
const titleCharsMax = 200;
const entriesMax = 50;
const entryCharsMax = 500;
const nameCharsMax = 80;
const problemsMax = 30;

const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]*\.md$/;
const keys = [
  "title",
  "depends-on",
  "priority",
  "touches",
  "acceptance",
  "validate",
  "allow-gate-change",
] as const;
type Key = (typeof keys)[number];

/** Checks all files of an output directory together. `task` stands in where there is no document. */
export function checkDocuments(
  files: readonly OutputFile[],
  begets: Begets,
  task: { readonly title: string; readonly text: string },
  readFrontMatter: ReadFrontMatter,
): CheckedDocuments {
  const problems: DocumentProblem[] = files.length > documentsMax ? [tooMany(files.length)] : [];
  const documents: Document[] = [];
  for (const file of [...files].slice(0, documentsMax).sort(byPath)) {
    const found = placeProblem(file, begets);
    if (found !== null) problems.push(found);
    else documents.push(new Checker(file, readFrontMatter, problems).document());
  }
  problems.push(...missing(documents, begets, problems.length > 0));
  const folder = begets.from.find((each) => documents.some(({ path }) => isIn(path, each)));
  const children = documents.filter(({ path }) => folder !== undefined && isIn(path, folder));
  problems.push(...namesProblems(children, problems));
  const isWhole = problems.length === 0;
  const whole = isWhole ? withChildren(documents, children, begets, task) : documents;
  return { documents: whole, problems: problems.slice(0, problemsMax) };
}

/** One document, as far as it can be judged without its siblings. */
export function checkDocument(
  file: OutputFile,
  readFrontMatter: ReadFrontMatter,
): { readonly document: Document; readonly problems: readonly DocumentProblem[] } {
  const problems: DocumentProblem[] = [];
  const document = new Checker(file, readFrontMatter, problems).document();
  return { document, problems };
}

/** What the model is told: every problem with its place and its remedy. */
export function problemsText(problems: readonly DocumentProblem[], directory: string): string {
  const lines = problems.map(({ path, line, message, remedy }) => {
    const place = [directory, oneLine(path)].filter((part) => part !== "").join("/");
    return `${place}${line === null ? "" : `:${line}`}: ${message} — ${remedy}`;
  });
  return lines.join("\n");
}

function byPath(a: OutputFile, b: OutputFile): number {
  return a.path < b.path ? -1 : 1;
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

function tooMany(count: number): DocumentProblem {
  const message = `there are ${count} files, at most ${documentsMax} are read`;
  return { path: "", line: null, message, remedy: "put together what belongs together" };
}

/** Something is wrong with where the file lies, what it is called, or that it can be read. */
function placeProblem(file: OutputFile, begets: Begets): DocumentProblem | null {
  const { path, problem } = file;
  const at = (message: string, remedy: string) => ({ path, line: null, message, remedy });
  if (problem !== null) return at(problem, "write a plain text file of Markdown in its place");
  if (path === begets.document) return null;
  const places = [...begets.from.map((folder) => `${folder}/NN-slug.md`), begets.document ?? ""];
  const wanted = places.filter((place) => place !== "").join(" or ");
  const slash = path.lastIndexOf("/");
  const folder = path.slice(0, Math.max(0, slash));
  if (!begets.from.includes(folder)) {
    const near = didYouMean(folder || path, [...begets.from, begets.document ?? ""]);
    const hint = near === null || near === "" ? "" : `did you mean ${near}? `;
    return at("nothing reads this file", `${hint}documents are ${wanted}; remove all others`);
  }
  const name = path.slice(slash + 1);
  if (fileName.test(name) && name.length <= nameCharsMax) return null;
  const remedy = `name it like 01-slug.md: letters, digits, . _ - and at most ${nameCharsMax}`;
  return at("this name cannot be used", remedy);
}

function missing(
  documents: readonly Document[],
  { document, from, alone }: Begets,
  hasProblems: boolean,
): DocumentProblem[] {
  const isThere = (path: string | null) =>
    path === null || documents.some((each) => each.path === path);
  const none = (path: string, message: string, remedy: string) => [
    { path, line: null, message, remedy },
  ];
  if (!isThere(document) && !hasProblems) {
    return none(document ?? "", "this document is missing", "write it, with a title: in front");
  }
  const hasChildren = documents.some(({ path }) => from.some((folder) => isIn(path, folder)));
  if (hasChildren || alone || hasProblems) return [];
  const where = `${from[0]}/`;
  return none(where, "there are no documents", `write at least one, ${where}01-slug.md`);
}

/** What can only be seen of all siblings together. */
function namesProblems(
  children: readonly Document[],
  known: readonly DocumentProblem[],
): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const seen = new Map<string, string>();
  for (const { name, path } of children) {
    const other = seen.get(name.toLowerCase());
    const remedy = "give every document its own name";
    if (other !== undefined) {
      problems.push({ path, line: null, message: `this is ${other} once more`, remedy });
    }
    seen.set(name.toLowerCase(), path);
  }
  const isKnownBad = known.some(({ message }) => message.startsWith("unknown document"));
  const cycle = isKnownBad ? null : firstCycle(children);
  if (cycle !== null) {
    const path = children.find(({ name }) => name === cycle[0])?.path ?? "";
    const message = `depends-on goes in a circle: ${cycle.join(" → ")}`;
    problems.push({ path, line: null, message, remedy: "take one of these steps out" });
  }
  return [...problems, ...unknownNames(children)];
}

function unknownNames(children: readonly Document[]): DocumentProblem[] {
  const names = children.map(({ name }) => name);
  return children.flatMap(({ path, name, dependsOn }) =>
    dependsOn
      .filter((other) => !names.includes(other))
      .map((other) => {
        const siblings = names.filter((each) => each !== name);
        const near = didYouMean(other.replace(/\.md$/, ""), siblings);
        const those = siblings.length === 0 ? "it has no siblings" : siblings.join(", ");
        const remedy = near === null ? `its siblings: ${those}` : `did you mean ${near}?`;
        const message = `depends-on: unknown document ${quoted(other)}`;
        return { path, line: null, message, remedy };
      }),
  );
}

/** The documents of the folder become children, in an order in which none waits for a later one. */
function withChildren(
  documents: readonly Document[],
  children: readonly Document[],
  { type, document, alone }: Begets,
  task: { readonly title: string; readonly text: string },
): readonly Document[] {
  const rest = documents.filter((each) => !children.includes(each));
  if (children.length > 0) {
    return [...rest, ...inOrder(children).map((child) => ({ ...child, becomes: type }))];
  }
  if (!alone) return rest;
  const own = rest.find(({ path }) => path === document);
  if (own === undefined) return [...rest, { ...blank, ...task, becomes: type }];
  return rest.map((each) => (each === own ? { ...own, becomes: type } : each));
}

const blank: Document = {
  path: "",
  name: "task",
  title: "",
  text: "",
  becomes: null,
  dependsOn: [],
  priority: null,
  touches: [],
  acceptance: [],
  validate: null,
  allowGateChange: [],
};

/** Reads the front matter of one file; what is wrong with it goes to `problems`. */
class Checker {
  readonly #path: string;
  readonly #text: string;
  readonly #front: FrontMatter;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #problems: DocumentProblem[];

  constructor(file: OutputFile, readFrontMatter: ReadFrontMatter, problems: DocumentProblem[]) {
    this.#path = file.path;
    this.#text = (file.text ?? "").replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
    this.#problems = problems;
    this.#front = readFrontMatter(file.path, this.#text);
    const { value, problems: found } = this.#front;
    for (const { line, message } of found) {
      this.#refuse(line, message, "correct the YAML between the first two lines of ---");
    }
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    this.#fields = isMap ? (value as Record<string, unknown>) : {};
    if (found.length > 0) return;
    if (!isMap) this.#refuse(1, "there is no front matter", "begin with ---, title: …, ---");
    for (const key of Object.keys(this.#fields)) this.#known(key);
  }

  document(): Document {
    const name = this.#path.slice(this.#path.lastIndexOf("/") + 1).replace(/\.md$/, "");
    const isRead = Object.keys(this.#fields).length > 0;
    return {
      path: this.#path,
      name,
      title: isRead ? this.#title() : "",
      text: this.#text,
      becomes: null,
      dependsOn: this.#list("depends-on"),
      priority: this.#priority(),
      touches: this.#paths("touches"),
      acceptance: this.#list("acceptance"),
      validate: this.#words("validate"),
      allowGateChange: this.#paths("allow-gate-change"),
    };
  }

  #known(key: string): void {
    if (keys.includes(key as Key)) return;
    const near = didYouMean(key, keys);
    const remedy = near === null ? `the keys are ${keys.join(", ")}` : `did you mean "${near}"?`;
    this.#refuse(this.#front.lineOf([key]), `unknown key ${quoted(key)}`, remedy);
  }

  #title(): string {
    const value = this.#fields["title"];
    const title = typeof value === "string" ? value.trim().replace(/\s+/g, " ") : "";
    if (value === undefined || value === null || title === "") {
      this.#refuse(this.#front.lineOf(["title"]), "title is missing", "say in one line what it is");
    } else if ([...title].length > titleCharsMax) {
      const message = `title has more than ${titleCharsMax} characters`;
      this.#refuse(this.#front.lineOf(["title"]), message, "shorten it; the body has the rest");
    }
    return title;
  }

  #priority(): Priority | null {
    const value = this.#fields["priority"];
    if (value === undefined || value === null) return null;
    const known = priorities.find((priority) => priority === value);
    if (known !== undefined) return known;
    const near = didYouMean(String(value), priorities);
    const remedy = near === null ? `one of ${priorities.join(", ")}` : `did you mean ${near}?`;
    this.#refuse(this.#front.lineOf(["priority"]), `no priority ${quoted(value)}`, remedy);
    return null;
  }

  #words(key: Key): string | null {
    const value = this.#fields[key];
    if (value === undefined || value === null) return null;
    if (typeof value === "string" && value.trim() !== "" && value.length <= entryCharsMax) {
      return value.trim();
    }
    const message = `${key} is not a text of at most ${entryCharsMax} characters`;
    this.#refuse(this.#front.lineOf([key]), message, "write one command, or leave it out");
    return null;
  }

  #list(key: Key): readonly string[] {
    const value = this.#fields[key];
    if (value === undefined || value === null) return [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > entriesMax) {
      this.#refuse(this.#front.lineOf([key]), `${key} has more than ${entriesMax} entries`, "cut");
    }
    return list.slice(0, entriesMax).flatMap((entry, index) => {
      const text = typeof entry === "number" ? String(entry) : entry;
      if (typeof text === "string" && text.trim() !== "" && text.length <= entryCharsMax) {
        return [text.trim()];
      }
      const line = this.#front.lineOf([key, index]);
      const remedy = `write ${key}: [first, second], each at most ${entryCharsMax} characters`;
      this.#refuse(line, `${key}: an entry is not a text`, remedy);
      return [];
    });
  }

  /** Of the worktree, and staying inside it. */
  #paths(key: Key): readonly string[] {
    return this.#list(key).filter((path, index) => {
      const isInside = !/^[/~\\]|^[A-Za-z]:/.test(path) && !path.split("/").includes("..");
      if (isInside) return true;
      const message = `${key}: ${quoted(path)} leads out of the repository`;
      this.#refuse(this.#front.lineOf([key, index]), message, "write it from the root, as src/**");
      return false;
    });
  }

  #refuse(line: number, message: string, remedy: string): void {
    this.#problems.push({ path: this.#path, line, message, remedy });
  }
}

const quotedCharsMax = 60;

function quoted(value: unknown): string {
  const text = oneLine(JSON.stringify(value) ?? String(value));
  return text.length > quotedCharsMax ? `${text.slice(0, quotedCharsMax)}…` : text;
}

/** Without what would break the line or turn the writing around. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
