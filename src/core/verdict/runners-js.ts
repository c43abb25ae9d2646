import {
  type Counts,
  countsBefore,
  lastLine,
  nothing,
  type Reading,
  type Runner,
  stretches,
  sum,
  type Tally,
  wholeFiles,
} from "./tally.ts";

/** Tests that have a name of their own; a file among them that ran as a whole is none. */
function nodeTest(lines: readonly string[]): Reading {
  const { tally, files } = nodeSummary(lines);
  if (tally === null) return null;
  const ran = tally.ran - files;
  return files > 0 && ran <= 0 ? null : { ...tally, ran };
}

/** Only whole files: plain scripts, or files that crashed or ended the process before their tests. */
function nodeFiles(lines: readonly string[]): Reading {
  const { tally, files } = nodeSummary(lines);
  return tally !== null && files > 0 && tally.ran <= files ? tally : null;
}

const wholeFile = /^(?:[✔✖]|(?:not )?ok \d+ -) \S+\.[cm]?[jt]sx?(?: \([\d.]+ms\))?$/;

function nodeSummary(lines: readonly string[]): { tally: Tally | null; files: number } {
  const start = lines.findLastIndex((line) => /^\s*(?:ℹ|#|i) tests \d+$/.test(line));
  const block = start === -1 ? [] : lines.slice(start, start + 9);
  if (!block.some((line) => /(?:ℹ|#|i) duration_ms /.test(line))) return { tally: null, files: 0 };
  const count = (word: string) => {
    const found = block.find((line) => line.includes(` ${word} `));
    return Number(/ (\d{1,9})\s*$/.exec(found ?? "")?.[1] ?? 0);
  };
  const failed = count("fail") + count("cancelled");
  const skipped = count("skipped") + count("todo");
  const files = lines.slice(0, start).filter((line) => wholeFile.test(line)).length;
  return { tally: { ran: count("pass") + failed, failed, skipped }, files };
}

function vitest(lines: readonly string[]): Reading {
  return sum(stretches(lines, /^\s*(?:RUN|DEV)\s+v\d/).map(vitestRun));
}

function vitestRun(lines: readonly string[]): Reading {
  if (lines.some((line) => /^\s*No (?:test|projects|suite)[\w ]* (?:files )?found/.test(line))) {
    return nothing;
  }
  const at = lines.findLastIndex((line) => /^\s*Tests {2}\S/.test(line));
  const ended = lines.slice(at + 1, at + 8).some((line) => /^\s*Duration {2}\d/.test(line));
  if (at === -1 || !ended) return "cut";
  const files = lastLine(lines.slice(0, at), /^\s*Test Files {2}\d/) ?? "";
  const errors = lastLine(lines.slice(at), /^\s*Errors {2}\d/) ?? "";
  return jestLike(countsBefore(lines[at] ?? ""), [countsBefore(files), countsBefore(errors)]);
}

function jest(lines: readonly string[]): Reading {
  const at = lines.findLastIndex((line) => /^Tests: {2,}\d/.test(line));
  if (at === -1) {
    return lines.some((line) => /^No tests found, exiting with code \d/.test(line))
      ? nothing
      : null;
  }
  if (!lines.slice(at + 1, at + 5).some((line) => /^Time: {2,}\d/.test(line))) return "cut";
  const suites = lastLine(lines.slice(0, at), /^Test Suites: \d/) ?? "";
  return jestLike(countsBefore(lines[at] ?? ""), [countsBefore(suites)]);
}

/** A file that could not be loaded fails though none of its tests did. */
function jestLike(tests: Counts, others: readonly Counts[]): Reading {
  const failed = tests("failed");
  const other = Math.max(0, ...others.map((counts) => counts("failed", "error", "errors")));
  return {
    ran: tests("passed") + failed,
    failed: failed > 0 ? failed : other,
    skipped: tests("skipped", "todo", "pending"),
  };
}

function mocha(lines: readonly string[]): Reading {
  const at = lines.findLastIndex((line) => /^\s*\d{1,9} passing \(/.test(line));
  if (at === -1) return null;
  const rest = lines.slice(at, at + 3).map(countsBefore);
  const count = (word: string) => rest.reduce((total, counts) => total + counts(word), 0);
  const failed = count("failing");
  return { ran: count("passing") + failed, failed, skipped: count("pending") };
}

function ava(lines: readonly string[]): Reading {
  if (lines.some((line) => /Couldn.t find any files to test/.test(line))) return nothing;
  const start = lines.findLastIndex((line) => /^\s*─\s*$/.test(line));
  if (start === -1) return null;
  const rest = lines.slice(start, start + 12).filter((line) => /^\s*\d{1,9} /.test(line));
  if (rest.length === 0) return null;
  const count = (pattern: RegExp) =>
    rest.reduce((total, line) => {
      const match = pattern.exec(line);
      return match === null ? total : total + Number(match[1]);
    }, 0);
  const failed = count(/^\s*(\d{1,9}) (?:tests?|hooks?) failed/);
  const broken = count(/^\s*(\d{1,9}) (?:uncaught|unhandled)/);
  return {
    ran: count(/^\s*(\d{1,9}) tests? passed/) + failed,
    failed: failed + broken,
    skipped: count(/^\s*(\d{1,9}) tests? (?:skipped|todo)/),
  };
}

/** Top-level test points, once there is a plan and as many points as it says. */
function tap(lines: readonly string[]): Reading {
  const plan = lastLine(lines, /^1\.\.\d{1,9}(?:\s|$)/);
  const points = lines.filter((line) => /^(?:not )?ok(?: \d+)?(?:\s|$)/.test(line));
  const began = lines.some((line) => /^TAP version \d+$/.test(line));
  if (plan === null) return began ? "cut" : null;
  const planned = Number(/^1\.\.(\d{1,9})/.exec(plan)?.[1]);
  if (points.length < planned) return "cut";
  const excused = points.filter((line) => /# *(?:skip|todo)/i.test(line)).length;
  const failed = points.filter(
    (line) => line.startsWith("not ok") && !/# *(?:skip|todo)/i.test(line),
  ).length;
  const bailed = lines.some((line) => /^Bail out!/.test(line)) ? 1 : 0;
  return { ran: points.length - excused, failed: failed + bailed, skipped: excused };
}

function bun(lines: readonly string[]): Reading {
  const at = lines.findLastIndex((line) => /^Ran \d{1,9} tests? across \d/.test(line));
  if (at === -1) return lines.some((line) => /^bun test v\d/.test(line)) ? "cut" : null;
  const rest = lines.slice(Math.max(0, at - 8), at).map(countsBefore);
  const count = (word: string) => rest.reduce((total, counts) => total + counts(word), 0);
  const failed = count("fail");
  return { ran: count("pass") + failed, failed, skipped: count("skip") + count("todo") };
}

function deno(lines: readonly string[]): Reading {
  const last = lastLine(lines, /^(?:ok|FAILED) \| \d{1,9} passed/);
  if (last === null) return null;
  const counts = countsBefore(last);
  const failed = counts("failed");
  return { ran: counts("passed") + failed, failed, skipped: counts("ignored") };
}

export const jsRunners: readonly Runner[] = [
  {
    name: "node:test",
    named: /^node .*--test(?: |$)/,
    weak: false,
    talks: true,
    read: nodeTest,
  },
  {
    name: wholeFiles,
    named: /^node .*--test(?: |$)/,
    weak: false,
    talks: false,
    read: nodeFiles,
  },
  {
    name: "vitest",
    named: /^vitest(?!.* (?:list|bench|init)\b)/,
    weak: false,
    talks: true,
    read: vitest,
  },
  {
    name: "jest",
    named: /^(?:jest|react-scripts test|craco test|jest-cli)(?: |$)/,
    weak: false,
    talks: true,
    read: jest,
  },
  { name: "mocha", named: /^_?mocha(?: |$)/, weak: false, talks: true, read: mocha },
  { name: "ava", named: /^ava(?: |$)/, weak: true, talks: true, read: ava },
  { name: "bun", named: /^bun test(?: |$)/, weak: false, talks: true, read: bun },
  { name: "deno", named: /^deno test(?: |$)/, weak: true, talks: true, read: deno },
  { name: "TAP", named: /^(?:tap|tape|borp|bats)(?: |$)/, weak: true, talks: false, read: tap },
];
