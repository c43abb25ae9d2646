/** What runners rewrite in honesty: recorded expectations, reports, what installers pin. */
const kept =
  /(?:^|\/)(?:__snapshots__|snapshots?|coverage|fixtures?|testdata|reports?)\/|\.snap(?:shot)?$|(?:^|\/)(?:package-lock\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|Cargo\.lock|go\.sum|poetry\.lock|uv\.lock)$/i;

const pathsNamedMax = 5;

/**
 * Why a pass is not believed when the run itself changed tracked files: what was proven is then
 * not what the commit holds. What the same command changes on the base commit is its habit.
 */
export function doubtOfAltered(
  altered: readonly string[],
  onBase: readonly string[],
): string | null {
  const strange = altered.filter((path) => !onBase.includes(path) && !kept.test(path));
  if (strange.length === 0) return null;
  const named = strange.slice(0, pathsNamedMax).join(", ");
  const more = strange.length > pathsNamedMax ? ` and ${strange.length - pathsNamedMax} more` : "";
  return `While it ran, the command changed tracked files (${named}${more}): what passed is not what the commit holds.`;
}
