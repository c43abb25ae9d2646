import { readdirSync, rmSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sent } from "../../ports/notify.ts";
import { textOf } from "../process/capture.ts";
import { runProcess } from "../process/launch.ts";

export interface NotifyCommand {
  /** Written by the user, never by a repository: it runs with the user's rights. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** A directory of ours, for what the command reads. */
  readonly dir: string;
  readonly id: string;
}

const timeoutMs = 30_000;
const outputBytesMax = 16_384;
const tailCharsMax = 200;
const limits = { memoryBytesMax: 1e9, processesMax: 64 };

/** The input comes as descriptor 4. Nothing of it is ever a word of the command. */
const withInput = "exec 0<&4 4<&-\n";

/** Runs it in `/` with the notification on its standard input; nothing that it started stays. */
export async function runNotifyCommand(
  { command, env, dir, id }: NotifyCommand,
  body: string,
  signal: AbortSignal,
): Promise<Sent> {
  const file = join(dir, `notify-${id}.json`);
  const mark = `TASKDAEMON_COMMAND=notify-${id}`;
  const [name = "", value = ""] = mark.split("=");
  try {
    await writeFile(file, body, { mode: 0o600 });
    const { ended, exitCode, output } = await runProcess(
      {
        argv: ["/bin/sh", "-c", `${withInput}${command}`],
        cwd: "/",
        env: { ...env, [name]: value },
        uid: null,
        timeoutMs,
        outputBytesMax,
        limits,
        inputFile: file,
        pipes: null,
        mark,
      },
      signal,
    );
    if (exitCode === 0) return { ok: true };
    const tail = textOf(output, (text) => text)
      .trim()
      .slice(-tailCharsMax);
    const code = exitCode === null ? `was ended (${ended})` : `ended with exit code ${exitCode}`;
    return { ok: false, reason: `the command ${code}${tail && `: ${tail}`}`, again: false };
  } catch (error) {
    return { ok: false, reason: `the command could not run: ${String(error)}`, again: true };
  } finally {
    await rm(file, { force: true });
  }
}

/** What a killed daemon has left: done before the first command can begin. */
export function removeInputs(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (/^notify-[\w-]+\.json$/.test(name)) rmSync(join(dir, name), { force: true });
  }
}
