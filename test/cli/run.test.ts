import { expect, test } from "vitest";
import { noUsage } from "../../src/core/loop.ts";
import { call, start } from "./call.ts";
import { complete, FakeProgram, live, loop, passed, type Story } from "./fake-program.ts";

const story: Story = async (watch) => {
  const event = (iteration: number, more: object) =>
    watch(live("1", { iteration, ...more } as never));
  event(1, { type: "stage", stage: "preparing", detail: "the command on the base commit" });
  event(1, { type: "verdict", passed: false, detail: "exit code 1, 2 of 3 tests failed" });
  event(1, { type: "stage", stage: "working", detail: null });
  event(1, { type: "turn", turn: 1, model: "anthropic/model" });
  event(1, { type: "waiting", until: Date.now() + 60_000, reason: "429 rate limited" });
  event(1, { type: "text", text: "I will \u001b[2J look." });
  event(1, { type: "tool", name: "edit", summary: "src/\u001b]0;owned\u0007a.ts" });
  event(1, { type: "toolDone", name: "edit", isError: true });
  event(1, { type: "usage", usage: { ...noUsage, inputTokens: 1_000, costUsd: 0.01 } });
  event(1, { type: "stage", stage: "validating", detail: "in the worktree" });
  event(1, { type: "verdict", passed: false, detail: "exit code 1" });
  event(2, { type: "note", text: "before-iteration: hook failed" });
  event(2, { type: "stage", stage: "validating", detail: "in a fresh worktree" });
  event(2, { type: "verdict", passed: true, detail: "exit code 0, 3 tests" });
  return complete;
};

function telling(): FakeProgram {
  const program = new FakeProgram();
  program.story = story;
  return program;
}

test("prints what the loop is on stdout, and plain lines on stderr", async () => {
  const { code, out, err } = await call(telling(), ["run", "ralph", "fix it"]);
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "✓ complete  1  Make the tests pass
      branch      taskdaemon/1
      verdict     \`npm test\` passed on bbbbbbbbbb (12 tests, 1.2 s)
      iterations  2 of 10
      usage       12.3k tokens in 5 requests, $0.12
      next        td merge 1, or git merge taskdaemon/1 (td diff 1 shows the changes)
    "
  `);
  expect(err).toMatchInlineSnapshot(`
    "validation: npm test  (detected: package.json scripts.test)
    · before any work: exit code 1, 2 of 3 tests failed
      waiting: 429 rate limited
    ✗ iteration 1/10 in the worktree: exit code 1
      ! before-iteration: hook failed
    ✓ iteration 2/10 in a fresh worktree: exit code 0, 3 tests
    "
  `);
});

test("says more with --verbose", async () => {
  const { err } = await call(telling(), ["run", "ralph", "fix it", "-v"]);
  expect(err).toContain("\n  edit src/a.ts\n  edit returned an error to the model\n");
});

test("says the result alone with --quiet", async () => {
  expect(await call(telling(), ["run", "ralph", "fix it", "-q"])).toEqual({
    code: 0,
    out: "✓ complete  1  taskdaemon/1\n",
    err: "",
  });
});

test("draws one line on a terminal, and leaves none of it behind", async () => {
  const terminal = { stdout: true, stderr: true, columns: 70 };
  const env = { NO_COLOR: "1" };
  const { out, err } = await call(telling(), ["run", "ralph", "fix it"], { terminal, env });
  expect(err).toContain("\r\u001b[2K⠋ 1  1/10  ");
  expect(err.endsWith("\r\u001b[2K")).toBe(true);
  const frames = err.split("\r\u001b[2K");
  const erased = frames.filter((frame) => frame.endsWith("\n")).join("");
  expect(erased).toMatchInlineSnapshot(`
    "validation: npm test  (detected: package.json scripts.test)
    · before any work: exit code 1, 2 of 3 tests failed
    ✗ iteration 1/10 in the worktree: exit code 1
      ! before-iteration: hook failed
    ✓ iteration 2/10 in a fresh worktree: exit code 0, 3 tests
    "
  `);
  expect(out).not.toContain("\u001b");
});

test("no terminal, or a dumb one, is drawn upon", async () => {
  const terminal = { stderr: true };
  const dumb = await call(telling(), ["run", "ralph", "x"], { terminal, env: { TERM: "dumb" } });
  const none = await call(telling(), ["run", "ralph", "x"]);
  expect(dumb.err + none.err).not.toContain("\u001b");
});

test("shows the validation command before the loop is made", async () => {
  const program = telling();
  program.planned = {
    ...program.planned,
    priceKnown: false,
    validation: { command: "make\u001b[2J check", detectedFrom: null },
  };
  const { err } = await call(program, ["run", "ralph", "x"]);
  expect(err.split("\n").slice(0, 2)).toEqual([
    "validation: make check",
    "price: unknown for anthropic/model; what it costs cannot be counted",
  ]);
});

test("asks for what the options say", async () => {
  const program = new FakeProgram();
  const argv = "run ralph --file - --validate make --max-iterations 3 --model a/b --agent builtin";
  const more = "--priority high --budget 2.5 --base v1 --after 1 --after 2 --deliver none --yes";
  const options = { stdin: "  do this\nand that\n" };
  await call(program, `${argv} ${more} --repo sub`.split(" "), options);
  expect(program.asked).toEqual([
    {
      type: "ralph",
      task: "  do this\nand that\n",
      dir: "/repo/sub",
      validate: "make",
      iterationsMax: 3,
      model: "a/b",
      budgetUsd: 2.5,
      base: "v1",
      priority: "high",
      approved: true,
      after: ["1", "2"],
      deliver: "none",
    },
  ]);
});

test("a dry run shows the plan and makes nothing", async () => {
  const program = new FakeProgram();
  const { code, out } = await call(program, ["run", "ralph", "x", "--dry-run"]);
  expect(code).toBe(0);
  expect(program.loopsById.size).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "repository  /repo
    base        main (aaaaaaaaaa)
    validation  npm test (detected: package.json scripts.test)
    model       anthropic/model
    iterations  at most 10
    budget      no limit
    estimate    $0.40, as such loops have cost here so far
    sandbox     bubblewrap, no network
    deliver     branch

    ── system prompt ──
    You are a senior engineer.

    ── prompt of the first iteration ──
    # Loop 1

    Nothing was started, nothing was spent.
    "
  `);
});

test("goes on with a loop, and may raise its bounds", async () => {
  const program = new FakeProgram(loop("1", { status: "blocked", blockedOn: "budget" }));
  const { code, err } = await call(program, ["run", "--resume", "1", "--budget", "5"]);
  expect(code).toBe(0);
  expect(err).toBe("");
  expect(program.asked).toEqual([{ resume: "1", budgetUsd: 5 }]);
});

test("says why a loop that needs a person rests, and what would help", async () => {
  const program = new FakeProgram();
  program.story = async () => ({
    status: "blocked",
    blockedOn: "question",
    reason: "Which API,\u001b[1m old or new?",
    verdict: { ...passed, passed: false, exitCode: null, note: "timed out" } as never,
  });
  const { code, out } = await call(program, ["run", "ralph", "x"]);
  expect(code).toBe(5);
  expect(out).toMatchInlineSnapshot(`
    "◆ blocked  1  Make the tests pass
      why         Which API, old or new?
      verdict     \`npm test\` was killed (12 tests, 1.2 s); timed out
      iterations  0 of 10
      usage       0 tokens in 0 requests, $0.00
      next        td run --resume 1
    "
  `);
});

test("Ctrl-C leaves the loop to the daemon, and says how to follow and to stop it", async () => {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    const program = new FakeProgram();
    let started = () => {};
    const atWork = new Promise<void>((resolve) => {
      started = resolve;
    });
    program.story = async (_, signal) => {
      started();
      await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
      return { status: "pending" };
    };
    const running = start(program, ["run", "ralph", "x", "--json"]);
    await atWork;
    running.signal(name);
    const { code, out, err } = await running.done;
    expect(code).toBe(130);
    expect(JSON.parse(out).status).toBe("pending");
    expect(err).toContain(
      "td: the daemon goes on with 1: td logs 1 -f or td run --resume 1 follows it, td stop 1 ends it\n",
    );
    expect(running.listeners("SIGINT") + running.listeners("SIGTERM")).toBe(0);
  }
});

test("the second Ctrl-C ends at once", async () => {
  const program = new FakeProgram();
  let finish = () => {};
  let started = () => {};
  const atWork = new Promise<void>((resolve) => {
    started = resolve;
  });
  program.story = async () => {
    started();
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return { status: "pending" };
  };
  const exits: number[] = [];
  const exit = (code: number) => exits.push(code);
  const running = start(program, ["run", "ralph", "x"], { exit });
  await atWork;
  running.signal("SIGINT");
  expect(exits).toEqual([]);
  running.signal("SIGINT");
  expect(exits).toEqual([130]);
  finish();
  await running.done;
});

test("without a way to end, the second Ctrl-C is left to the system", async () => {
  const program = new FakeProgram();
  let finish = () => {};
  let started = () => {};
  const atWork = new Promise<void>((resolve) => {
    started = resolve;
  });
  program.story = async () => {
    started();
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return { status: "complete" };
  };
  const running = start(program, ["run", "ralph", "x"]);
  await atWork;
  running.signal("SIGINT");
  expect(running.listeners("SIGINT")).toBe(0);
  expect(running.listeners("SIGTERM")).toBe(1);
  finish();
  expect((await running.done).code).toBe(0);
});

test("who closes stdout is not told about it", async () => {
  const program = new FakeProgram(loop("1"));
  const running = start(program, ["events", "-f"]);
  const closed = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  running.stdout.emit("error", closed);
  expect(await running.done).toMatchObject({ code: 0, err: "" });
});
