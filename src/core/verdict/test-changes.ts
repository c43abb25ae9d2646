import { isTestFile, noTests, type TestFacts, testFacts } from "./test-facts.ts";
import { replacedTool } from "./test-tools.ts";

/** One file before and after; a text is null where there is no such (regular) file. */
export interface FilePair {
  /** Where it was; null for a new one. */
  readonly oldPath: string | null;
  /** Where it is; null for a deleted one. */
  readonly newPath: string | null;
  readonly before: string | null;
  readonly after: string | null;
}

/** A path and the sentence that says what a person must look at. */
export interface PathReason {
  readonly path: string;
  readonly reason: string;
}

interface Compared {
  readonly path: string;
  readonly gone: boolean;
  readonly before: TestFacts;
  readonly after: TestFacts;
  /** Names that this file has no more, and names that it did not have. */
  readonly lost: readonly string[];
  readonly gained: readonly string[];
  /** What they check with, where it is another now. */
  readonly replaced: string | null;
}

/**
 * Existing tests that were removed, emptied, thinned or put to sleep, and helpers of tests that
 * check less. Tests that moved to another file under their names, with their assertions, are not
 * gone.
 */
export function weakenedTests(pairs: readonly FilePair[]): readonly PathReason[] {
  const files = pairs.map(compared);
  const arrived = countEach(files.flatMap(({ gained }) => gained));
  const movedTo = new Set(files.flatMap(({ lost }) => lost));
  let spareAssertions = files
    .filter(({ gained }) => gained.some((name) => movedTo.has(name)))
    .reduce((sum, { before, after }) => sum + Math.max(0, after.assertions - before.assertions), 0);
  const reasons: PathReason[] = [];
  for (const file of files) {
    if (file.before.declared === 0) {
      const mayFocus = file.after.declared > 0 || /\.(?:go|py)$/.test(file.path);
      if (file.before.skipped === 0 && mayFocus && file.after.focused > file.before.focused) {
        reasons.push({ path: file.path, reason: focusReason });
      }
      continue;
    }
    const moved = file.lost.filter((name) => take(arrived, name)).length;
    const missing = Math.max(0, file.before.assertions - file.after.assertions);
    const found = moved > 0 ? Math.min(missing, spareAssertions) : 0;
    spareAssertions -= found;
    const reason = reasonFor(file, moved, missing - found);
    if (reason !== null) reasons.push({ path: file.path, reason });
  }
  return [...reasons, ...weakenedHelpers(files)];
}

const helperPath = /(?:^|\/)(?:__tests__|tests?|specs?|e2e)\//;

/** What a helper lost counts for nothing when files about tests gained as much elsewhere. */
function weakenedHelpers(files: readonly Compared[]): readonly PathReason[] {
  const checks = ({ assertions, raised }: TestFacts) => assertions + raised;
  let spare = files.reduce(
    (sum, { before, after }) => sum + Math.max(0, checks(after) - checks(before)),
    0,
  );
  return files.flatMap(({ path, before, after }) => {
    const missing = checks(before) - checks(after);
    if (before.declared > 0 || missing <= 0 || !helperPath.test(path)) return [];
    const found = Math.min(missing, spare);
    spare -= found;
    if (found === missing) return [];
    const noun = missing - found === 1 ? "check" : "checks";
    return [
      { path, reason: `the helper of tests has ${missing - found} ${noun} fewer than before` },
    ];
  });
}

/** Changed files about tests that hide nothing by their counts, and that a reviewer should see. */
export function changedExpectations(pairs: readonly FilePair[]): readonly PathReason[] {
  return pairs.flatMap((pair) => {
    const reason = pair.before === null || pair.before === pair.after ? null : noteOn(pair);
    return reason === null ? [] : [{ path: pair.newPath ?? pair.oldPath ?? "", reason }];
  });
}

function noteOn({ oldPath, newPath, before, after }: FilePair): string | null {
  if (newPath === null) return isExpectation(oldPath ?? "") ? "was deleted" : null;
  if (isExpectation(newPath)) return "an expected result was changed";
  if (!isTestFile(oldPath ?? newPath) || before === null || after === null) return null;
  const kept = new Set(after.split("\n").map((line) => line.trim()));
  const gone = before.split("\n").filter((line) => line.trim() !== "" && !kept.has(line.trim()));
  if (gone.length === 0) return null;
  return `${gone.length === 1 ? "1 line" : `${gone.length} lines`} of existing tests changed`;
}

const focusReason = "it makes the runner leave all other tests out (only)";

/** A path that `changedExpectations` may have something to say of. */
export function concernsTests(path: string): boolean {
  return isTestFile(path) || isExpectation(path);
}

function isExpectation(path: string): boolean {
  return (
    /\.(?:snap|snapshot|golden|approved\.\w+|expected)$/.test(path) ||
    /(?:^|\/)(?:__snapshots__|snapshots|(?:__)?fixtures(?:__)?|testdata|goldens?)\//.test(path) ||
    /(?:^|\/)(?:conftest\.py|__mocks__\/.*)$/.test(path)
  );
}

function compared({ oldPath, newPath, before, after }: FilePair): Compared {
  const old = oldPath === null || before === null ? noTests : testFacts(oldPath, before);
  const now = newPath === null || after === null ? noTests : testFacts(newPath, after);
  return {
    path: oldPath ?? newPath ?? "",
    gone: newPath === null || !isTestFile(newPath),
    before: old,
    after: now,
    lost: without(old.names, now.names),
    gained: without(now.names, old.names),
    replaced:
      old.declared === 0 || before === null || after === null ? null : replacedTool(before, after),
  };
}

function reasonFor(file: Compared, moved: number, missingAssertions: number): string | null {
  const { before, after, gone, replaced } = file;
  const missing = before.declared - after.declared - moved;
  if (missing > 0 && gone) return `the test file with ${tests(before.declared)} was removed`;
  if (missing > 0 && after.declared === 0) return `its ${tests(before.declared)} were removed`;
  if (missing > 0) return `${tests(missing)} fewer than before`;
  if (after.focused > before.focused) return focusReason;
  if (after.skipped > before.skipped) return "tests are newly skipped";
  if (replaced !== null) return replaced;
  if (missingAssertions > 0) {
    const noun = missingAssertions === 1 ? "assertion" : "assertions";
    return `${missingAssertions} ${noun} fewer than before`;
  }
  return null;
}

function tests(count: number): string {
  return count === 1 ? "1 test" : `${count} tests`;
}

function countEach(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function take(counts: Map<string, number>, name: string): boolean {
  const left = counts.get(name) ?? 0;
  if (left > 0) counts.set(name, left - 1);
  return left > 0;
}

function without(names: readonly string[], others: readonly string[]): readonly string[] {
  const counts = countEach(others);
  return names.filter((name) => !take(counts, name));
}
