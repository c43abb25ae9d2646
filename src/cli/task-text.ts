import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { CliWorld, Keyboard } from "./cli-world.ts";

const taskBytesMax = 1_000_000;

/** The task from where it is given: the argument, a file, or stdin as `-`. */
export async function readTask(
  world: CliWorld,
  task: string | undefined,
  file: string | undefined,
): Promise<string> {
  if (task !== undefined && file !== undefined) {
    throw new UserError(
      exitCodes.usage,
      "the task is given twice, as an argument and with --file: give it once",
    );
  }
  if (task === undefined && file === undefined) {
    throw new UserError(
      exitCodes.usage,
      'the task is missing: say "what is to be done", or --file FILE, or --file - for stdin',
    );
  }
  const text = await textOf(world, task, file);
  if (text.trim() === "") {
    throw new UserError(exitCodes.usage, "the task is empty: say what is to be done");
  }
  return text;
}

async function textOf(
  world: CliWorld,
  task: string | undefined,
  file: string | undefined,
): Promise<string> {
  if (file !== undefined) return readText(world, file, "task");
  if (task === "-") return readText(world, task, "task");
  return decoded(Buffer.from(task ?? "", "utf8"), "the task", "task");
}

/** A file, or stdin as `-`: the text of a task, or of a batch. */
export async function readText(
  world: CliWorld,
  file: string,
  what: "task" | "batch",
): Promise<string> {
  if (file === "-") return decoded(await readStream(world.stdin), "stdin", what);
  return decoded(await readBytes(resolve(world.cwd, file), file, what), file, what);
}

async function readBytes(path: string, name: string, what: string): Promise<Buffer> {
  try {
    const handle = await open(path, "r");
    try {
      // A pipe or a device has no size: what is read decides, not what is promised.
      return await readStream(handle.createReadStream({ end: taskBytesMax, autoClose: false }));
    } finally {
      await handle.close();
    }
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? reasons[String(error.code)] : null;
    if (reason === null) throw error;
    throw new UserError(
      exitCodes.invalid,
      `cannot read the ${what} from ${name}: ${reason ?? (error as Error).message}`,
      { cause: error },
    );
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
};

/** Reads one byte more than is allowed, and no further. */
async function readStream(stream: Keyboard): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const piece = typeof chunk === "string" ? Buffer.from(chunk, "utf8") : chunk;
    chunks.push(piece);
    bytes += piece.length;
    if (bytes > taskBytesMax) break;
  }
  return Buffer.concat(chunks);
}

function decoded(bytes: Buffer, name: string, what: string): string {
  if (bytes.length > taskBytesMax) {
    throw new UserError(
      exitCodes.invalid,
      `${name} is too large for a ${what}: at most ${taskBytesMax / 1_000_000} MB; name large files in it instead`,
    );
  }
  if (bytes.includes(0)) {
    throw new UserError(
      exitCodes.invalid,
      `${name} is not text: it has NUL bytes; give a text that names the file instead`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UserError(
      exitCodes.invalid,
      `${name} is not text: it is not valid UTF-8; save it as UTF-8`,
      {
        cause: error,
      },
    );
  }
}
