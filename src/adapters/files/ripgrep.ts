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
  return run.shows === null ? ended.stdout : shownLines(ended.stdout, run.shows);
}

/** Lines of `--null` output whose file is shown, as they are without it. */
function shownLines(output: string, shows: (path: string) => boolean): string {
  const lines: string[] = [];
  for (const line of output.split("\n")) {
    const [path = "", rest] = line.split("\0", 2);
    if (rest === undefined) {
      // Between groups of context; what stands at the end says that there is more.
      const isGap = line === "--";
      if (line !== "" && !(isGap && (lines.length === 0 || lines.at(-1) === "--")))
        lines.push(line);
    } else if (shows(path.replace(/^\.\//, ""))) {
      lines.push(path + (/^\d+-/.test(rest) ? "-" : ":") + rest);
    }
  }
  if (lines.at(-1) === "--") lines.pop();
  return lines.map((line) => `${line}\n`).join("");
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
  const stdout = gather(child.stdout, grepCharsMax, kill);
  const stderr = gather(child.stderr, errorCharsMax, () => undefined);
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

/** Keeps what comes first, in whole lines when there is too much, and says so. */
function gather(
  stream: NodeJS.ReadableStream | null,
  charsMax: number,
  full: () => void,
): () => string {
  let text = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    if (text.length > charsMax) return;
    text += chunk;
    if (text.length > charsMax) full();
  });
  return () => wholeLines(text, charsMax);
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
