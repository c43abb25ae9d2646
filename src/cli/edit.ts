import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { DraftFile, DraftView } from "../protocol/plans.ts";
import type { LoopView } from "../views/loop-view.ts";
import { control } from "./control.ts";
import type { Session } from "./session.ts";
import { readTask } from "./task-text.ts";

interface EditOptions {
  readonly file?: string | undefined;
  readonly document?: string | undefined;
}

/** `td edit ID`: a draft's documents, or the task of a loop that has none, as a person wants them. */
export async function edit(session: Session, id: string, options: EditOptions): Promise<number> {
  return control(session, id, async (door) => {
    const draft = await door.draft(id);
    const files = filesOf(draft);
    // It refuses any text: better now than when it is written.
    if (neverEdited.has(draft.status)) return door.amend(id, { type: "edit", files });
    if (options.file === undefined) return edited(session, door, id, files);
    const given = await filesGiven(session, files, options.file, options.document);
    return door.amend(id, { type: "edit", files: given });
  });
}

const neverEdited: ReadonlySet<string> = new Set(["complete", "stopped", "delegated"]);

/** Of a draft its documents; else the task. */
function filesOf({ status, documents, task }: DraftView): readonly DraftFile[] {
  if (status !== "draft") return [{ path: "", text: task }];
  return documents.filter(({ path }) => path !== "").map(({ path, text }) => ({ path, text }));
}

/** A directory has all documents; a file is one of them, or the task. */
async function filesGiven(
  session: Session,
  files: readonly DraftFile[],
  file: string,
  document: string | undefined,
): Promise<readonly DraftFile[]> {
  const path = resolve(session.world.cwd, file);
  const isDirectory = file !== "-" && (await stat(path).catch(() => null))?.isDirectory() === true;
  if (isDirectory) return readAll(path);
  const text = await readTask(session.world, undefined, file);
  const [only] = files;
  if (only !== undefined && files.length === 1 && document === undefined) {
    return [{ path: only.path, text }];
  }
  const wanted = document ?? basename(file);
  const found = files.find((each) => each.path === wanted || basename(each.path) === wanted);
  if (found === undefined) {
    const known = files.map((each) => each.path).join(", ");
    const message = `there is no document ${wanted} (there is ${known}): name it with --document`;
    throw new UserError(exitCodes.usage, message);
  }
  return files.map((each) => (each === found ? { path: each.path, text } : each));
}

const filesMax = 200;

async function readAll(dir: string): Promise<readonly DraftFile[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (paths.length > filesMax) {
    throw new UserError(
      exitCodes.invalid,
      `${dir} has more than ${filesMax} documents: give only those that change`,
    );
  }
  const files: DraftFile[] = [];
  for (const path of paths) {
    const name = relative(dir, path).split(sep).join("/");
    files.push({ path: name, text: await readFile(path, "utf8") });
  }
  return files;
}

/** In the person's editor; what cannot be taken stays where it is, so that no word is lost. */
async function edited(
  session: Session,
  door: Door,
  id: string,
  files: readonly DraftFile[],
): Promise<LoopView> {
  const editor = editorOf(session);
  const dir = await mkdtemp(join(tmpdir(), `td-edit-${id}-`));
  const nameOf = (path: string) => join(dir, path === "" ? "task.md" : path);
  for (const { path, text } of files) {
    await mkdir(dirname(nameOf(path)), { recursive: true });
    await writeFile(nameOf(path), text);
  }
  const isTask = files[0]?.path === "";
  const written = async () =>
    (await readAll(dir)).map((file) => (isTask ? { ...file, path: "" } : file));
  const isSame = (now: readonly DraftFile[]) =>
    JSON.stringify(now) === JSON.stringify([...files].sort(byPath));
  const names = files.map(({ path }) => nameOf(path));
  await openEditor(session, editor, dir, names).catch(async (error: unknown) => {
    if (!isSame(await written())) throw kept(error, `your text is kept in ${dir}`);
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  const now = await written();
  if (!isSame(now)) {
    await door.amend(id, { type: "edit", files: now }).catch((error: unknown) => {
      const place = isTask ? nameOf("") : dir;
      throw kept(error, `your text is kept: correct it, then td edit ${id} --file ${place}`);
    });
  } else session.say("nothing was changed");
  await rm(dir, { recursive: true, force: true });
  return door.loop(id);
}

function kept(error: unknown, hint: string): unknown {
  if (!(error instanceof UserError)) return error;
  return new UserError(error.exitCode, `${error.message}\n${hint}`, { cause: error });
}

function byPath(a: DraftFile, b: DraftFile): number {
  return a.path < b.path ? -1 : 1;
}

/** The person's; without one, and without a terminal, there is nobody to write. */
function editorOf({ world }: Session): string {
  const named = world.env["VISUAL"] || world.env["EDITOR"];
  if (named !== undefined && named !== "") return named;
  if (world.stdin.isTTY === true) return "vi";
  const message = "td edit opens an editor, and there is no terminal: use --file, or set EDITOR";
  throw new UserError(exitCodes.usage, message);
}

async function openEditor(
  { world, json }: Session,
  editor: string,
  cwd: string,
  files: readonly string[],
): Promise<void> {
  // The terminal sends Ctrl-C to the editor as well: it is the editor's, not ours.
  const off = world.onSignal("SIGINT", () => undefined);
  try {
    const child = spawn("/bin/sh", ["-c", `${editor} "$@"`, "sh", ...files], {
      cwd,
      env: world.env,
      // With --json stdout is ours alone.
      stdio: ["inherit", json ? stderrNumber : "inherit", "inherit"],
    });
    const [code] = await once(child, "exit");
    if (code === 0) return;
    const message = `the editor (${editor}) ended with ${code}: nothing was changed; set EDITOR, or use --file`;
    throw new UserError(exitCodes.failed, message);
  } finally {
    off();
  }
}

const stderrNumber = 2;
