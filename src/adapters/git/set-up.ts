import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Workspace, WorktreeError, type WorktreeRequest } from "../../ports.ts";
import { readRegular } from "./files.ts";
import { lastLines } from "./git.ts";

export interface SetUpRequest {
  readonly loop: WorktreeRequest["loop"];
  readonly cwd: string;
  readonly command: string;
  readonly networkAllow: readonly string[];
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The daemon's sandbox, as far as set-up needs it. */
export type SetUpRunner = (
  request: SetUpRequest,
  signal: AbortSignal,
) => Promise<{ readonly ok: boolean; readonly output: string }>;

const outputCharsMax = 2000;

/** What is larger is no lock file that anybody wrote. */
const lockBytesMax = 64 * 1024 * 1024;
const lockFiles = [
  "package-lock.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  "uv.lock",
  "poetry.lock",
  "Pipfile.lock",
  "requirements.txt",
  "Cargo.lock",
  "go.sum",
  "composer.lock",
  "Gemfile.lock",
];

/** Changes when the command or a lock file does: then the set-up is due again. */
export async function setUpKey(tree: string, command: string): Promise<string> {
  const hash = createHash("sha256").update(command);
  for (const { name, content } of await readLocks(tree)) {
    hash.update(`\0${name}\0`).update(content);
  }
  return hash.digest("hex");
}

interface Lock {
  readonly name: string;
  readonly content: Buffer;
}

export async function readLocks(tree: string): Promise<Lock[]> {
  const locks: Lock[] = [];
  for (const name of lockFiles) {
    const content = await readRegular(join(tree, name), { bytesMax: lockBytesMax, follow: false });
    if (content !== null) locks.push({ name, content });
  }
  return locks;
}

/** Runs the set-up command in a worktree; rejects with WorktreeError when it fails. */
export async function runSetUp(
  run: SetUpRunner,
  request: WorktreeRequest,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<void> {
  const { setup, setupNetworkAllow } = request.settings;
  if (setup === null) return;
  const result = await run(
    {
      loop: request.loop,
      cwd: workspace.dir,
      command: setup,
      networkAllow: setupNetworkAllow,
      writable: workspace.writable,
      readable: workspace.readable,
      env: workspace.env,
    },
    signal,
  );
  if (result.ok) return;
  throw new WorktreeError(
    `The set-up command failed: ${setup}\n${lastLines(result.output, outputCharsMax)}\n` +
      "Correct worktree.setup, or allow the hosts it needs in worktree.setup-network.",
  );
}
