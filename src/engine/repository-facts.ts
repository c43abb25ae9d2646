import type { CommitId } from "../core/loop.ts";
import { globMatcher } from "../core/verdict/glob.ts";
import type { RepositoryNeed } from "../ports/repository-need.ts";
import type { Redact, Worktrees } from "../ports.ts";

/** Where templates may look: the repository at the loop's base, and what was changed since. */
export interface RepositoryView {
  readonly worktrees: Pick<Worktrees, "paths" | "file" | "diff">;
  readonly redact: Redact;
  readonly repo: string;
  readonly base: CommitId;
  readonly head: CommitId;
}

const pathsMax = 500;
const fileCharsMax = 50_000;
const diffBytesMax = 50_000;

/** What was found, by `helper argument`; each is looked up once, and has a bound. */
export async function repositoryFacts(
  view: RepositoryView,
  needs: readonly RepositoryNeed[],
): Promise<Readonly<Record<string, string>>> {
  const facts: Record<string, string> = {};
  for (const need of needs) {
    const key = `${need.helper} ${need.argument}`;
    facts[key] ??= view.redact(await look(view, need));
  }
  return facts;
}

async function look(
  { worktrees, repo, base, head }: RepositoryView,
  { helper, argument }: RepositoryNeed,
): Promise<string> {
  switch (helper) {
    case "git-diff":
      return base === head ? "" : worktrees.diff(repo, base, head, diffBytesMax);
    case "list-files": {
      const all = await worktrees.paths(repo, base);
      const found = argument === "" ? all : all.filter(globMatcher(argument));
      const more = found.length - pathsMax;
      const shown = found.slice(0, pathsMax);
      return (more > 0 ? [...shown, `… and ${more} more`] : shown).join("\n");
    }
    case "read-file": {
      const text = (await worktrees.file(repo, base, argument)) ?? "";
      const left = text.length - fileCharsMax;
      return left > 0 ? `${text.slice(0, fileCharsMax)}\n… and ${left} characters more` : text;
    }
    default:
      return helper satisfies never;
  }
}
