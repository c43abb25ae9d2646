import { createWorktrees, type GitWorktrees } from "../adapters/git/worktrees.ts";
import { systemClock } from "./clock.ts";
import type { Surroundings } from "./surroundings.ts";

/** Worktrees for all that needs no sandbox: reading, the trash, a person's shell. */
export function readingTrees({ euid }: Surroundings, home: string): GitWorktrees {
  return createWorktrees({
    home,
    uid: euid === 0 ? sandboxUid : null,
    now: systemClock.now,
    identity,
    runSetup: () => Promise.reject(new Error("a reader sets nothing up")),
  });
}

export const sandboxUid = 65_534;
export const identity = { name: "TaskDaemon", email: "taskdaemon@localhost" };
