import { detectValidation } from "../adapters/config/detect-validation.ts";
import type { DetectedValidation } from "../adapters/config/repository-facts.ts";
import type { GitWorktrees } from "../adapters/git/worktrees.ts";
import type { CommitId } from "../core/loop.ts";

const interpreters = [".venv", "venv"] as const;

/** The command that the files of a commit suggest, with the interpreter its worktrees will have. */
export async function detectAt(
  trees: Pick<GitWorktrees, "file" | "paths" | "describeSetup">,
  repo: string,
  commit: CommitId,
): Promise<DetectedValidation | null> {
  const { links } = await trees.describeSetup(repo);
  const linked = interpreters.filter((path) => links.includes(path));
  const paths = [
    ...(await trees.paths(repo, commit)),
    ...linked.map((path) => `${path}/bin/python`),
  ];
  return detectValidation({ paths, read: (path) => trees.file(repo, commit, path) });
}
