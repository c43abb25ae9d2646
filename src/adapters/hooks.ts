import type { SandboxSettings } from "../core/loop.ts";
import type { HookName, HookRequest, Hooks } from "../ports/hooks.ts";
import type { Sandbox, Workspace } from "../ports.ts";

export interface ConfiguredHook {
  readonly command: string;
  /** A user's own hook acts with the user's rights; a repository's only inside the sandbox. */
  readonly isUsers: boolean;
}

export interface HooksOptions {
  readonly hooks: Readonly<Partial<Record<HookName, ConfiguredHook>>>;
  readonly sandbox: Pick<Sandbox, "run">;
  readonly settings: SandboxSettings;
  /** Where a user's hook runs, and one that has no worktree. */
  readonly repo: string;
  readonly userHome: string;
}

const timeoutMs = 60_000;
const outputBytesMax = 16_384;
const tailCharsMax = 300;
const factCharsMax = 4000;

/** Runs hooks as commands. What they print is only seen when they fail. */
export function createHooks(options: HooksOptions): Hooks {
  return {
    run: async (request, signal) => {
      const hook = options.hooks[request.name];
      if (hook === undefined) return null;
      return runHook(options, hook, request, signal);
    },
  };
}

async function runHook(
  options: HooksOptions,
  { command, isUsers }: ConfiguredHook,
  request: HookRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const { name, loop } = request;
  const { sandbox, settings } = options;
  const { dir, writable, readable, env } = placeOf(options, isUsers, request);
  try {
    const { exitCode, output } = await sandbox.run(
      {
        loop,
        command,
        cwd: dir,
        writable,
        readable,
        settings: isUsers ? { ...settings, level: "off" } : settings,
        env: { ...env, ...toldOf(request) },
        unixSockets: isUsers,
        timeoutMs,
        outputBytesMax,
      },
      signal,
    );
    if (exitCode === 0) return null;
    const code = exitCode === null ? "was killed" : `ended with exit code ${exitCode}`;
    return `the hook ${name} ${code}: ${output.trim().slice(-tailCharsMax)}`;
  } catch (error) {
    return `the hook ${name} could not run: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * What is not confined must not start where a model wrote: its `.git`, or a `.gitconfig` in the
 * loop's HOME, names programs that git would run. A user's hook goes there by `cd "$TD_WORKTREE"`.
 */
function placeOf(
  { repo, userHome }: HooksOptions,
  isUsers: boolean,
  { workspace }: HookRequest,
): Workspace {
  const checkout = { dir: repo, writable: [], readable: [repo], env: {} };
  return isUsers ? { ...checkout, env: { HOME: userHome } } : (workspace ?? checkout);
}

/** Some of it are a model's words: bounded, and nothing that an environment cannot hold. */
function toldOf({ name, loop, iteration, workspace, facts }: HookRequest): Record<string, string> {
  const place = workspace === null ? {} : { WORKTREE: workspace.dir };
  const told = { LOOP: loop, ITERATION: String(iteration), HOOK: name, ...place, ...facts };
  return Object.fromEntries(
    Object.entries(told).map(([key, value]) => [
      `TD_${key}`,
      value.replace(/\p{Cc}+/gu, " ").slice(0, factCharsMax),
    ]),
  );
}
