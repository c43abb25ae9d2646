import { createContext, Script } from "node:vm";
import picomatch from "picomatch";
import { ToolRefusal } from "../../ports.ts";
import { codeOf } from "./directory.ts";

const patternCharsMax = 1000;
/** A pattern may take exponential time, and nothing else of the daemon runs meanwhile. */
const matchMsMax = 500;
const testAll = new Script("texts.map((text) => regex.test(text))");

/** The paths that a glob pattern matches. Refuses patterns that no worktree can match. */
export function matchingPaths(pattern: string, paths: readonly string[]): readonly string[] {
  refuseOddPattern(pattern);
  const regex = picomatch.makeRe(pattern, { dot: true, noextglob: true, nonegate: true });
  const found = matcher(regex)(paths);
  return paths.filter((_, index) => found[index]);
}

/** A JavaScript regular expression, for where there is no ripgrep. */
export function regexOf(pattern: string, ignoreCase: boolean): RegExp {
  try {
    return new RegExp(pattern, ignoreCase ? "iu" : "u");
  } catch (error) {
    throw new ToolRefusal(`the pattern is no regular expression: ${String(error)}`);
  }
}

/** Tells which texts match. Refuses, call by call, when a pattern takes too long. */
export function matcher(regex: RegExp): (texts: readonly string[]) => readonly boolean[] {
  const world: { regex: RegExp; texts: readonly string[] } = { regex, texts: [] };
  const inside = createContext(world);
  return (texts) => {
    world.texts = texts;
    try {
      const found: unknown = testAll.runInContext(inside, { timeout: matchMsMax });
      return found as readonly boolean[]; // what map() of test() makes
    } catch (error) {
      if (codeOf(error) !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      throw new ToolRefusal("the pattern takes too long to match: use a simpler one");
    }
  };
}

function refuseOddPattern(pattern: string): void {
  if (pattern === "") throw new ToolRefusal("the pattern is empty: use **/* for all files");
  if (pattern.length > patternCharsMax) {
    throw new ToolRefusal(`the pattern is longer than ${patternCharsMax} characters`);
  }
  if (pattern.startsWith("/") || pattern.split("/").includes("..")) {
    throw new ToolRefusal("the pattern leads out of the worktree: use one such as src/**/*.ts");
  }
}
