import { spawn } from "node:child_process";
import { type GrepQuery, ToolRefusal } from "../../ports.ts";
import { codeOf, type Directory } from "./directory.ts";

export const grepCharsMax = 40_000;
const grepMsMax = 10_000;
export const columnsMax = 400;
export const fileMatchesMax = 200;
const fileSizeMax = "5M";
const errorCharsMax = 2000;

export interface RipgrepRun {
  readonly program: string;
  readonly query: GrepQuery;
  readonly directory: Directory;
  /** A file to search instead of the directory. */
  readonly stdin: number | null;
  readonly uid: number | null;
  /** Of a path in the directory; null shows all. */
  readonly shows: ((path: string) => boolean) | null;
}

/** What ripgrep prints, bounded. Null when the program cannot be started. */
export async function runRipgrep(run: RipgrepRun, signal: AbortSignal): Promise<string | null> {
  const late = AbortSignal.timeout(grepMsMax);
  const ended = await spawned(run, AbortSignal.any([signal, late]));
  signal.throwIfAborted();
  if (ended === null) return null;
  if (late.aborted) {
    throw new ToolRefusal(
      `the search took longer than ${grepMsMax / 1000} s: narrow the path or add a glob`,
    );
  }
  // With --no-messages only a bad pattern or glob is worth a word on stderr.
  if (ended.exitCode === 2 && ended.stdout === "" && ended.stderr !== "") {
    throw new ToolRefusal(`ripgrep refused the pattern: ${ended.stderr.trim()}`);
  }
  return ended.stdout;
}

/**
 * Lines of `--null` output whose file is shown, as they are without it. Ripgrep's own remarks name
 * files too, without the mark by which they could be told apart: none of them is let through.
 */
function shownLines(shows: (path: string) => boolean): (output: string) => string {
  let isGap = false;
  let isFirst = true;
  const shownLine = (line: string): string => {
    const [path = "", rest] = line.split("\0", 2);
    if (rest === undefined) isGap ||= line === "--"; // Between groups of context.
    if (rest === undefined || !shows(path.replace(/^\.\//, ""))) return "";
    const gap = isGap && !isFirst ? "--\n" : "";
    [isGap, isFirst] = [false, false];
    return `${gap}${path}${/^\d+-/.test(rest) ? "-" : ":"}${rest}\n`;
  };
  return (output) => output.split("\n").map(shownLine).join("");
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function spawned(run: RipgrepRun, signal: AbortSignal): Promise<Ended | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended | null>();
  const child = spawn(run.program, argumentsOf(run), {
    cwd: run.directory.at(null),
    env: { LC_ALL: "C.UTF-8" },
    stdio: [run.stdin ?? "ignore", "pipe", "pipe"],
    ...(run.uid === null ? {} : { uid: run.uid, gid: run.uid }),
  });
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", kill, { once: true });
  const shown = run.shows === null ? all : shownLines(run.shows);
  const stdout = gather(child.stdout, { charsMax: grepCharsMax, full: kill, shown });
  const stderr = gather(child.stderr, {
    charsMax: errorCharsMax,
    full: () => undefined,
    shown: all,
  });
  child.on("error", (error) => {
    signal.removeEventListener("abort", kill);
    const code = codeOf(error);
    if (code === "ENOENT" || code === "EACCES" || code === "EPERM") resolve(null);
    else reject(error);
  });
  child.on("close", (exitCode) => {
    signal.removeEventListener("abort", kill);
    resolve({ exitCode, stdout: stdout(), stderr: stderr() });
  });
  return promise;
}

const all = (output: string): string => output;

interface Gathering {
  readonly charsMax: number;
  readonly full: () => void;
  /** What is kept of whole lines; what is not takes no room. */
  readonly shown: (output: string) => string;
}

/** Keeps what comes first, in whole lines when there is too much, and says so. */
function gather(
  stream: NodeJS.ReadableStream | null,
  { charsMax, full, shown }: Gathering,
): () => string {
  let text = "";
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    if (text.length > charsMax) return;
    rest += chunk;
    const end = rest.lastIndexOf("\n") + 1;
    text += shown(rest.slice(0, end));
    rest = rest.slice(end);
    // A line without an end is no line that we are told.
    if (rest.length > charsMax) [text, rest] = [text + shown(rest), ""];
    if (text.length > charsMax) full();
  });
  return () => wholeLines(text + shown(rest), charsMax);
}

/** At most `charsMax` characters of whole lines; a last line says what is missing. */
export function wholeLines(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const whole = text.slice(0, text.lastIndexOf("\n", charsMax) + 1);
  return `${whole}[there is more: narrow the pattern, the path or the glob]\n`;
}

function argumentsOf({ query, stdin, shows }: RipgrepRun): readonly string[] {
  const sorted = stdin === null ? ["--sort=path"] : []; // the same result every time
  const glob = query.glob === null ? [] : [`--glob=${query.glob}`];
  const nodeModules = /node_modules/u.test(`${query.path} ${query.glob ?? ""}`);
  return [
    "--no-config",
    "--no-messages",
    "--no-follow",
    "--no-heading",
    "--line-number",
    "--with-filename",
    "--color=never",
    "--hidden",
    "--no-require-git",
    `--max-columns=${columnsMax}`,
    "--max-columns-preview",
    `--max-count=${fileMatchesMax}`,
    `--max-filesize=${fileSizeMax}`,
    ...sorted,
    ...(shows === null ? [] : ["--null"]),
    `--context=${query.context}`,
    ...(query.ignoreCase ? ["--ignore-case"] : []),
    ...glob,
    "--glob=!.git",
    ...(nodeModules ? ["--no-ignore"] : ["--glob=!node_modules"]),
    "-e",
    query.pattern,
    "--",
    stdin === null ? "./" : "-",
  ];
}
