import { describe, expect, test } from "vitest";
import { advance, begin, lastingLine, type Progress, statusLine } from "../../src/cli/progress.ts";
import { width } from "../../src/cli/text.ts";
import { noUsage } from "../../src/core/loop.ts";
import type { LiveEvent } from "../../src/ports.ts";
import { live, loop, startedAt } from "./fake-program.ts";

const plain = { colour: false, width: 80 };

function progressOf(...events: LiveEvent[]): Progress {
  return events.reduce(advance, begin(loop("7.1"), startedAt));
}

const working = live("7.1", { type: "stage", iteration: 1, stage: "working", detail: null });
const turn = live("7.1", { type: "turn", iteration: 1, turn: 3, model: "anthropic/model" });
const tool = live("7.1", { type: "tool", iteration: 1, name: "edit", summary: "src/数据.ts" });
const usage = live("7.1", {
  type: "usage",
  iteration: 1,
  usage: { ...noUsage, inputTokens: 12_000, outputTokens: 345, costUsd: 0.0412 },
});

test("the line tells where the loop is, what it does and what it costs", () => {
  const at = startedAt + 65_000;
  const story: LiveEvent[] = [];
  const lines = [
    live("7.1", {
      type: "stage",
      iteration: 1,
      stage: "preparing",
      detail: "the command on the base commit",
    }),
    working,
    turn,
    tool,
    usage,
    live("7.1", { type: "toolDone", iteration: 1, name: "edit", isError: false, durationMs: 40 }),
    live("7.1", { type: "waiting", iteration: 1, until: at + 42_000, reason: "429 rate limited" }),
    live("7.1", { type: "stage", iteration: 1, stage: "validating", detail: "in the worktree" }),
    live("7.1", { type: "stage", iteration: 2, stage: "merging", detail: null }),
    live("7.1", { type: "stage", iteration: 2, stage: "working", detail: null }),
  ].map((event) => {
    story.push(event);
    return statusLine(progressOf(...story), at, 79);
  });
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    ⠋ 7.1  1/10  preparing the command on the base commit        0 tok  $0.00  1:05
    ⠋ 7.1  1/10  working                                         0 tok  $0.00  1:05
    ⠋ 7.1  1/10  working · turn 3                                0 tok  $0.00  1:05
    ⠋ 7.1  1/10  working · turn 3 · edit src/数据.ts             0 tok  $0.00  1:05
    ⠋ 7.1  1/10  working · turn 3 · edit src/数据.ts         12.3k tok  $0.04  1:05
    ⠋ 7.1  1/10  working · turn 3                            12.3k tok  $0.04  1:05
    ⠋ 7.1  1/10  waiting 0:42 429 rate limited               12.3k tok  $0.04  1:05
    ⠋ 7.1  1/10  validating in the worktree                  12.3k tok  $0.04  1:05
    ⠋ 7.1  1/10  merging                                     12.3k tok  $0.04  1:05
    ⠋ 7.1  2/10  working                                     12.3k tok  $0.04  1:05
    "
  `);
});

test.each([20, 40, 60, 90, 120])(
  "at %i columns it fits, and drops what matters least",
  (columns) => {
    const line = statusLine(progressOf(working, turn, tool, usage), startedAt + 1_000, columns);
    expect(width(line)).toBeLessThanOrEqual(columns);
    expect(line).toContain("7.1");
  },
);

test("narrow lines", () => {
  const lines = [24, 40, 60, 90].map((columns) =>
    statusLine(progressOf(working, turn, tool, usage), startedAt, columns),
  );
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    ⠋ 7.1  1/10  work…  0:00
    ⠋ 7.1  1/10  working · turn 3 · e…  0:00
    ⠋ 7.1  1/10  working · turn 3 · edit src/数据.…  $0.04  0:00
    ⠋ 7.1  1/10  working · turn 3 · edit src/数据.ts                    12.3k tok  $0.04  0:00
    "
  `);
});

test("a cost that is unknown once stays unknown", () => {
  const unknown = live("7.1", {
    type: "usage",
    iteration: 1,
    usage: { ...noUsage, costUsd: null },
  });
  expect(progressOf(unknown, usage).costUsd).toBeNull();
  expect(statusLine(progressOf(unknown, usage), startedAt, 100)).toContain("cost unknown");
});

test("events of another loop change nothing", () => {
  expect(progressOf(live("8", { type: "turn", iteration: 9, turn: 9, model: "m" }))).toEqual(
    progressOf(),
  );
});

test("what a model calls its things cannot steer the terminal", () => {
  const hostile = live("7.1", {
    type: "tool",
    iteration: 1,
    name: "bash\u001b[2J",
    summary: "x\r\nrm\u001b]0;owned\u0007",
  });
  const wait = live("7.1", {
    type: "waiting",
    iteration: 1,
    until: startedAt,
    reason: "\u001b[31m",
  });
  const note = live("7.1", { type: "note", iteration: 1, text: "\u009b2Jhook\nfailed" });
  for (const progress of [progressOf(working, hostile), progressOf(wait)]) {
    expect(statusLine(progress, startedAt, 100)).not.toMatch(/\p{Cc}/u);
  }
  expect(lastingLine(hostile, progressOf(), true, plain)).toBe("  bash x rm");
  expect(lastingLine(note, progressOf(), false, plain)).toBe("  ! hook failed");
});

describe("lines that stay", () => {
  const judged = live("7.1", {
    type: "verdict",
    iteration: 1,
    passed: false,
    detail: "exit code 1, 2 of 3 tests failed",
  });
  const inWorktree = live("7.1", {
    type: "stage",
    iteration: 1,
    stage: "validating",
    detail: "in the worktree",
  });
  const baseline = live("7.1", {
    type: "stage",
    iteration: 1,
    stage: "preparing",
    detail: "the command on the base commit",
  });

  test("are verdicts", () => {
    expect(lastingLine(judged, progressOf(inWorktree), false, plain)).toBe(
      "✗ iteration 1/10 in the worktree: exit code 1, 2 of 3 tests failed",
    );
    expect(lastingLine(judged, progressOf(baseline), false, plain)).toBe(
      "· before any work: exit code 1, 2 of 3 tests failed",
    );
  });

  test("are tools with --verbose", () => {
    expect(lastingLine(tool, progressOf(), false, plain)).toBeNull();
    expect(lastingLine(tool, progressOf(), true, plain)).toBe("  edit src/数据.ts");
  });

  test("are cut on a terminal and whole elsewhere", () => {
    const long = live("7.1", { type: "note", iteration: 1, text: "数".repeat(100) });
    expect(width(lastingLine(long, progressOf(), false, plain) ?? "")).toBeLessThan(80);
    expect(lastingLine(long, progressOf(), false, { colour: false, width: null })).toHaveLength(
      104,
    );
  });
});
