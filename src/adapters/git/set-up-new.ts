import { type Workspace, WorktreeError, type WorktreeRequest } from "../../ports.ts";
import { type FreshTree, marksOf } from "./fresh-tree.ts";
import { runSetUp, type SetUpRunner } from "./set-up.ts";
import { cacheKey, isUsersOwn, type SetUpCache } from "./set-up-cache.ts";
import type { Shadow } from "./shadow.ts";

interface SettingUp {
  readonly cache: SetUpCache;
  readonly run: SetUpRunner;
  readonly shadow: Shadow;
  readonly request: WorktreeRequest;
  readonly signal: AbortSignal;
  /** Nobody has worked in it yet. */
  readonly workspace: Workspace;
  /** A worktree of the base commit, for what is to be kept. */
  readonly openBase: () => Promise<FreshTree>;
  readonly closeBase: () => Promise<void>;
}

/**
 * Sets a new worktree up by what is kept, where lock files say what would come of the command; else
 * by the command. What is kept comes of a run on the base commit, apart from any loop.
 */
export async function setUpNew(setting: SettingUp): Promise<void> {
  const { cache, shadow, request, workspace, signal, run } = setting;
  const { settings, base } = request;
  const key = await cacheKey(shadow, settings, workspace.dir);
  if (key !== null) {
    const make = () => keepBase(setting, key);
    const isKept = await cache
      .has(key, base, make)
      .catch((error: unknown) => notKept(setting, error));
    if (isKept && (await cache.restore(key, workspace.dir))) return;
  }
  await runSetUp(run, request, workspace, signal);
}

/** Where the command fails on the very commit that is wanted, it need not fail once more. */
function notKept({ signal, request: { head, base } }: SettingUp, error: unknown): false {
  if (signal.aborted || (head === base && error instanceof WorktreeError)) throw error;
  return false;
}

async function keepBase(setting: SettingUp, key: string): Promise<boolean> {
  const { cache, shadow, request, run, signal, openBase, closeBase } = setting;
  if (!(await isUsersOwn(shadow, request.base))) return false;
  try {
    const { workspace, place, home, given } = await openBase();
    const { dir: tree } = workspace;
    if ((await cacheKey(shadow, request.settings, tree)) !== key) return false;
    await runSetUp(run, request, workspace, signal);
    const after = await marksOf(tree, [...given.keys()]);
    const untouched = [...given].filter(([path, mark]) => after.get(path) === mark);
    const port = workspace.env["TD_PORT"] ?? null;
    const stage = { tree, place, home, given: untouched.map(([path]) => path), port };
    return await cache.keep(key, stage);
  } finally {
    await closeBase();
  }
}
