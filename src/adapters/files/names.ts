import { isAbsolute } from "node:path";
import { ToolRefusal } from "../../ports.ts";

const pathCharsMax = 2000;
const nameBytesMax = 255;
const namesMax = 64;

/** Code points that HFS+ leaves out when it compares names, so that `.g<200c>it` is `.git`. */
const ignorable = /[\u200c-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff\u00ad]/gu;

/** Whether some file system takes `name` for `.git`: by case, dots at the end, streams, short name. */
export function isGitName(name: string): boolean {
  return name.split("\\").some((piece) => {
    const plain = piece.normalize("NFKC").replace(ignorable, "").toLowerCase();
    const stem = (plain.split(":")[0] ?? "").replace(/[. ]+$/u, "");
    return stem === ".git" || /^git~\d+$/u.test(stem);
  });
}

/**
 * The names that lead from `dir` to `path`, with `.` and `..` carried out. Refuses what leads out,
 * into `.git`, or could be read in two ways.
 */
export function namesOf(dir: string, path: string): readonly string[] {
  refuseOddText(path);
  const names: string[] = [];
  for (const name of inside(dir, path).split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) throw leadsOut(path);
  }
  if (names.length > namesMax) throw new ToolRefusal(`the path is deeper than ${namesMax} names`);
  for (const name of names) refuseName(name, path);
  return names;
}

function refuseOddText(path: string): void {
  if (path.length > pathCharsMax) {
    throw new ToolRefusal(`the path is longer than ${pathCharsMax} characters`);
  }
  if (/\p{Cc}/u.test(path) || !path.isWellFormed()) {
    throw new ToolRefusal("the path has control or broken characters: write it without them");
  }
  if (path === "~" || path.startsWith("~/")) throw leadsOut(path);
}

/** Models love absolute paths: one that lies in the worktree is as good as a relative one. */
function inside(dir: string, path: string): string {
  if (!isAbsolute(path)) return path;
  if (path === dir) return "";
  if (!path.startsWith(`${dir}/`)) throw leadsOut(path);
  return path.slice(dir.length + 1);
}

function refuseName(name: string, path: string): void {
  if (isGitName(name)) {
    throw new ToolRefusal(`${path} is in .git, which tools do not touch: use git in bash`);
  }
  if (new TextEncoder().encode(name).length > nameBytesMax) {
    throw new ToolRefusal(`a name in the path is longer than ${nameBytesMax} bytes`);
  }
}

function leadsOut(path: string): ToolRefusal {
  return new ToolRefusal(
    `${path} is outside the worktree: use a path relative to it, such as src/index.ts`,
  );
}
