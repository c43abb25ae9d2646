import { expect, test } from "vitest";
import { sinceOf } from "../../src/cli/audit.ts";
import { noUsage } from "../../src/core/loop.ts";
import type { TranscriptEntry } from "../../src/ports.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";
import { call, start } from "./call.ts";
import { complete, FakeProgram, loop, startedAt } from "./fake-program.ts";

const usage = { ...noUsage, inputTokens: 1_200, outputTokens: 34, costUsd: 0.0042, requests: 1 };

const entries: TranscriptEntry[] = [
  { at: startedAt, type: "prompt", system: "You are a\nsenior engineer.", text: "# Loop 1" },
  {
    at: startedAt + 1_000,
    type: "reply",
    turn: 1,
    text: "I look\u001b[2J first.\n",
    stopReason: "toolUse",
    usage,
  },
  {
    at: startedAt + 1_000,
    type: "toolCall",
    id: "a",
    name: "bash",
    input: { command: "ls\ncat x", timeout_ms: 5 },
  },
  {
    at: startedAt + 2_000,
    type: "toolResult",
    id: "a",
    text: "数据.txt\n\u001b]0;owned\u0007x",
    isError: false,
    durationMs: 950,
  },
  {
    at: startedAt + 2_000,
    type: "toolResult",
    id: "b",
    text: "there is no file y",
    isError: true,
    durationMs: 1,
  },
  { at: startedAt + 3_000, type: "reply", turn: 2, text: "", stopReason: "endTurn", usage },
  { at: startedAt + 4_000, type: "note", text: "the model said nothing" },
  {
    at: startedAt + 5_000,
    type: "validation",
    command: "npm test",
    commit: "b".repeat(40),
    where: "worktree",
    exitCode: 1,
    output: "1 failed\n",
    durationMs: 3_210,
  },
];

function recorded(): FakeProgram {
  const program = new FakeProgram(loop("1", complete));
  program.record("1", 0, [{ at: startedAt, type: "note", text: "baseline" }]);
  program.record(
    "1",
    1,
    entries,
    "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-o\n+n\u001b[2J\n",
  );
  return program;
}

test("logs tells what went on, a line each", async () => {
  expect((await call(recorded(), ["logs", "1"])).out).toMatchInlineSnapshot(`
    "── before any work
    00:00:00 ! baseline
    ── iteration 1
    00:00:00 prompt (34 characters)
    00:00:01 turn 1: I look first.
    00:00:01 → bash command=ls cat x timeout_ms=5
    00:00:02 ← 数据.txt x
    00:00:02 ← error: there is no file y
    00:00:03 turn 2: (ends its turn)
    00:00:04 ! the model said nothing
    00:00:05 validation in the worktree of bbbbbbbbbb: \`npm test\` exit code 1 (3.2 s)
    "
  `);
});

test("logs of one iteration", async () => {
  expect((await call(recorded(), ["logs", "1", "--iteration", "0"])).out).toBe(
    "── before any work\n00:00:00 ! baseline\n",
  );
  const { code, err } = await call(recorded(), ["logs", "1", "--iteration", "9"]);
  expect(code).toBe(8);
  expect(err).toContain("no record of iteration 9");
});

test("logs -f goes on until the loop rests, and repeats nothing", async () => {
  const program = new FakeProgram(loop("1", { status: "running" }));
  const first: TranscriptEntry[] = [{ at: startedAt, type: "note", text: "one" }];
  program.record("1", 1, first);
  let looks = 0;
  program.onRead = () => {
    looks += 1;
    if (looks === 3)
      program.record("1", 1, [...first, { at: startedAt, type: "note", text: "two" }]);
    if (looks === 4) {
      program.record("1", 2, [{ at: startedAt, type: "note", text: "three" }]);
      program.change("1", { status: "complete" });
    }
  };
  const { code, out } = await call(program, ["logs", "1", "-f"]);
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "── iteration 1
    00:00:00 ! one
    00:00:00 ! two
    ── iteration 2
    00:00:00 ! three
    "
  `);
});

test("Ctrl-C ends following", async () => {
  for (const argv of [
    ["logs", "1", "-f"],
    ["events", "-f"],
  ]) {
    const program = new FakeProgram(loop("1", { status: "running" }));
    const running = start(program, argv);
    while (running.listeners("SIGINT") === 0) await new Promise(setImmediate);
    running.signal("SIGINT");
    expect((await running.done).code).toBe(130);
  }
});

test("replay tells everything", async () => {
  const { out } = await call(recorded(), ["replay", "1", "--iteration", "1"]);
  expect(out).toMatchInlineSnapshot(`
    "━━ iteration 1
    ── system prompt
       You are a
       senior engineer.
    ── prompt
       # Loop 1
    ── turn 1: the model (calls tools, 1.2k tokens, $0.0042)
       I look first.
    ── bash
       command:
         ls
         cat x
       timeout_ms: 5
    ── result (0.9 s)
       数据.txt
       x
    ── error (1 ms)
       there is no file y
    ── turn 2: the model (ends its turn, 1.2k tokens, $0.0042)
    ── ! the model said nothing
    ── validation in the worktree of bbbbbbbbbb: \`npm test\` exit code 1 (3.2 s)
       1 failed
    ── changes
    diff --git a/x b/x
    --- a/x
    +++ b/x
    @@ -1 +1 @@
    -o
    +n
    ── iteration 1 took 2.5k tokens in 2 requests, $0.0084

    "
  `);
});

test("diff gives another program the bytes as they are", async () => {
  const program = new FakeProgram(loop("1"));
  program.diffText = "+a\u001b[31m\r\n";
  expect((await call(program, ["diff", "1"])).out).toBe(program.diffText);
});

test("diff on a terminal is coloured and harmless", async () => {
  const program = new FakeProgram(loop("1"));
  program.diffText += "+x\u001b[2J\u001b]0;owned\u0007\n";
  const { out } = await call(program, ["diff", "1"], { terminal: { stdout: true } });
  expect(out).toContain("\u001b[32m+x\u001b[39m\n");
  expect(out).not.toContain("owned");
  program.diffText = "";
  expect(await call(program, ["diff", "1"])).toMatchObject({
    out: "",
    err: "loop 1 has changed nothing yet\n",
  });
});

test("show tells everything about a loop, why only the cause", async () => {
  const program = new FakeProgram(
    loop("1", { ...complete, title: "Fix \u001b[1mit\nnow", dependsOn: ["2"], model: "a/数据" }),
  );
  expect((await call(program, ["show", "1"])).out).toMatchInlineSnapshot(`
    "loop 1
      title       Fix it now
      status      ✓ complete
      why         It is complete.
      next        td run --resume 1
      type        ralph
      after       2
      iteration   2 of 10, attempt 1
      model       a/数据
      usage       12.3k tokens in 5 requests, $0.12
      repository  /repo
      base        aaaaaaaaaa
      head        bbbbbbbbbb
      branch      taskdaemon/1
      delivered   taskdaemon/1 (bbbbbbbbbb)
      verdict     \`npm test\` passed on bbbbbbbbbb (12 tests, 1.2 s)
      created     2026-01-01T00:00:00.000Z
      updated     2026-01-01T00:00:00.000Z
    "
  `);
  expect((await call(program, ["why", "1"])).out).toMatchInlineSnapshot(`
    "✓ complete  It is complete.
      because: Iteration 2: \`npm test\` did not pass: exit code 1.
      next: td run --resume 1
    "
  `);
});

test("events are a line each", async () => {
  const program = new FakeProgram();
  const at = "2026-01-01T00:00:00.000Z";
  program.feed.push(
    {
      seq: 1,
      at,
      type: "loop.created",
      loop: "1",
      data: { type: "ralph", title: "a\u001b[2Jb", settings: {} },
    },
    {
      seq: 2,
      at,
      type: "loop.status",
      loop: "1",
      data: { from: "pending", to: "blocked", reason: "a\nb" },
    },
    { seq: 3, at, type: "provider.parked", loop: null, data: { provider: "anthropic" } },
  );
  expect((await call(program, ["events"])).out).toMatchInlineSnapshot(`
    "    1  2026-01-01T00:00:00.000Z  loop.created       1      type=ralph title=ab
        2  2026-01-01T00:00:00.000Z  loop.status        1      pending → blocked: a b
        3  2026-01-01T00:00:00.000Z  provider.parked    -      provider=anthropic
    "
  `);
});

test("the audit is a stream of lines, and of JSON lines", async () => {
  const program = new FakeProgram();
  expect((await call(program, ["audit", "list"])).out).toMatchInlineSnapshot(`
    "     1  2026-01-01T00:00:00.000Z  daemon   -      what=started pid=77 version=1.2.3
         2  2026-01-01T00:00:01.000Z  command  1      purpose=tool command=echo hi there network=[]
    "
  `);
  const { out } = await call(program, ["audit", "list", "--loop", "1", "--since", "2h", "--json"]);
  expect(
    out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).n),
  ).toEqual([2]);
  const wrong = await call(program, ["audit", "list", "--since", "yesterday"]);
  expect(wrong).toMatchObject({ code: 2, err: /2h, 7d or 2026-01-31/ });
});

test.each([
  ["90s", 910_000],
  ["2m", 880_000],
  ["1970-01-01T00:00:05Z", 5_000],
])("--since %s", (text, at) => {
  expect(sinceOf(text, 1_000_000)).toBe(at);
});

/** A daemon that was there a moment ago. */
class DyingProgram extends FakeProgram {
  override async daemon() {
    const gone = async () => {
      throw new UserError(exitCodes.daemon, "the daemon does not answer (read ECONNRESET)");
    };
    const door = await super.daemon();
    return door === null ? null : { ...door, loop: gone, why: gone, draft: gone };
  }
}

test.each([
  ["show", "1"],
  ["--json", "show", "1"],
  ["show", "1", "--documents"],
  ["why", "1"],
])("a daemon that ends while it is asked is no end of %s %s: the log knows", async (...args) => {
  const loops = [loop("1", complete)];
  const { code, out } = await call(new FakeProgram(...loops), args);
  expect(await call(new DyingProgram(...loops), args)).toEqual({ code, out, err: "" });
  expect([code, out.length > 0]).toEqual([0, true]);
});

test("a report that cannot be written says why in words", async () => {
  const { code, err } = await call(new FakeProgram(loop("1")), [
    "report",
    "1",
    "--out",
    "/no/r.md",
  ]);
  const why = "td: --out /no/r.md cannot be written: there is no such directory\n";
  expect([code, err]).toEqual([2, why]);
});
