import type { LoopId } from "../core/loop.ts";
import type { Workspace } from "../ports.ts";

export const hookNames = [
  "before-iteration",
  "after-iteration",
  "before-validation",
  "after-validation",
  "on-complete",
  "on-fail",
  "on-blocked",
] as const;
export type HookName = (typeof hookNames)[number];

export interface HookRequest {
  readonly name: HookName;
  readonly loop: LoopId;
  readonly iteration: number;
  /** Where the loop works; null when it has no worktree. */
  readonly workspace: Workspace | null;
  /** Becomes `TD_<KEY>` in the command's environment. */
  readonly facts: Readonly<Record<string, string>>;
}

export interface Hooks {
  /** Runs what the user configured. Resolves to a sentence when it failed; never rejects. */
  run(request: HookRequest, signal: AbortSignal): Promise<string | null>;
}
