import type { SandboxSettings } from "../core/loop.ts";
import type { HookName, HookRequest, Hooks, Sandbox, Workspace } from "../ports.ts";

export interface ConfiguredHook {
  readonly command: string;
  /** A user's own hook acts with the user's rights; a repository's only inside the sandbox. */
  readonly isUsers: boolean;
}

export interface HooksOptions {
  readonly hooks: Readonly<Partial<Record<HookName, ConfiguredHook>>>;
  readonly sandbox: Sandbox;
  readonly settings: SandboxSettings;
  /** Where a hook runs that has no worktree. */
  readonly repo: string;
}

const timeoutMs = 60_000;
const outputBytesMax = 16_384;
const tailCharsMax = 300;

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
  { sandbox, settings, repo }: HooksOptions,
  { command, isUsers }: ConfiguredHook,
  { name, loop, iteration, workspace, facts }: HookRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const place: Workspace = workspace ?? { dir: repo, writable: [], readable: [repo], env: {} };
  const told = { LOOP: loop, ITERATION: String(iteration), HOOK: name, ...facts };
  const env = Object.fromEntries(Object.entries(told).map(([key, value]) => [`TD_${key}`, value]));
  try {
    const { exitCode, output } = await sandbox.run(
      {
        loop,
        command,
        cwd: place.dir,
        writable: place.writable,
        readable: place.readable,
        settings: isUsers ? { ...settings, level: "off" } : settings,
        env: { ...place.env, ...env },
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
