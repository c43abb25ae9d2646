import { Buffer } from "node:buffer";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { UserError } from "../../src/protocol/errors.ts";
import { exitCodes, UserError as Refusal } from "../../src/protocol/errors.ts";
import { call, start } from "./call.ts";
import { complete, FakeProgram, loop } from "./fake-program.ts";

const dir = mkdtempSync(join(tmpdir(), "td-cli-"));
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

describe("wrong usage is 2, told in one or two lines", () => {
  test.each([
    [["lst"], "td: unknown command 'lst'\n(Did you mean list?)\n"],
    [["help", "lst"], "td: unknown command 'lst'\n(Did you mean list?)\n"],
    [["run", "--modle", "x"], "td: unknown option '--modle'\n(Did you mean --model?)\n"],
    [["list", "--sttus", "x"], "td: unknown option '--sttus'\n(Did you mean --status?)\n"],
    [
      ["trash", "lsit"],
      "td: unknown command 'lsit' of td trash (there are: list, restore, empty)\n",
    ],
    [["show"], "td: missing required argument 'id'\n(td show --help explains it)\n"],
    [
      ["show", "1", "2"],
      "td: too many arguments for 'show'. Expected 1 argument but got 2: 1, 2.\n",
    ],
    [["--json"], "td: which command? td help lists them\n"],
    [["trash", "restore"], "argument 'trash-id'\n(td trash restore --help explains it)\n"],
    [["run", "fix the tests"], "td: the type of loop comes before the task: td run ralph"],
    [["run"], "td: the type of loop is missing"],
    [["run", "ralph"], "td: the task is missing"],
    [["run", "ralph", ""], "td: the task is empty"],
    [["run", "ralph", " \n "], "td: the task is empty"],
    [["run", "ralph", "x", "--validate", ""], "is invalid. It must not be empty."],
    [["run", "ralph", "x", "--validate", "  "], "is invalid. It must not be empty."],
    [["run", "ralph", "x", "--model", ""], "is invalid. It must not be empty."],
    [["run", "ralph", "x", "--base", ""], "is invalid. It must not be empty."],
    [["run", "ralph", "x", "--after", ""], "is invalid. It must not be empty."],
    [["run", "ralph", "x", "--max-iterations", "0"], "a whole number from 1 to 100000"],
    [["run", "ralph", "x", "--max-iterations", "-1"], "a whole number from 1 to 100000"],
    [["run", "ralph", "x", "--max-iterations", "1.5"], "a whole number from 1 to 100000"],
    [["run", "ralph", "x", "--max-iterations", "1e3"], "a whole number from 1 to 100000"],
    [["run", "ralph", "x", "--max-iterations", "abc"], "a whole number from 1 to 100000"],
    [["run", "ralph", "x", "--budget", "0"], "a number of dollars above 0"],
    [["run", "ralph", "x", "--budget", "NaN"], "a number of dollars above 0"],
    [["run", "ralph", "x", "--budget", "Infinity"], "a number of dollars above 0"],
    [["run", "ralph", "x", "--budget", "$5"], "a number of dollars above 0"],
    [["run", "ralph", "x", "--priority", "urgent"], "Allowed choices are critical, high, normal"],
    [["run", "ralph", "x", "--deliver", "mail"], "Allowed choices are branch, merge, pr, none"],
    [["run", "ralph", "x", "--agent", "claude"], "td: there is no agent 'claude'"],
    [["run", "ralph", "x", "--file", "y"], "td: the task is given twice"],
    [["run", "ralph", "x", "y"], "td: too many arguments"],
    [["run", "ralph", "--resume", "1"], "TYPE cannot be given with it"],
    [["run", "--resume", "1", "--model", "a/b"], "--model cannot be given with it"],
    [["list", "--status", "done"], "Allowed choices are draft, pending"],
    [["logs", "1", "--iteration", "x"], "a whole number from 0"],
    [["events", "--from", "0"], "a whole number from 1"],
    [
      ["completions", "ksh"],
      "td: 'ksh' is no valid shell. Allowed choices are bash, zsh, fish, pwsh",
    ],
    [["rollback", "1"], "td: required option '--to <n>' not specified\n"],
    [["rollback", "1", "--to", "-1"], "a whole number from 0"],
    [["mock-llm", "--port", "65536"], "a whole number from 0 to 65535"],
    [["demo", "--speed", "0"], "a number above 0"],
    [["completions", "tcsh"], "Allowed choices are bash, zsh, fish, pwsh"],
    [["init"], "td: td init asks first, and there is no terminal: add --yes\n"],
    [["trash", "empty"], "td: td trash empty asks first, and there is no terminal: add --yes\n"],
  ])("td %j", async (argv, message) => {
    const { code, out, err } = await call(new FakeProgram(loop("1")), argv);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
    expect(err.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  });
});

describe("a task that cannot be read is 3", () => {
  test.each([
    ["missing", join(dir, "none.md"), "there is no such file"],
    ["a directory", dir, "it is a directory"],
    ["binary", file("nul", "a\0b"), "it has NUL bytes"],
    ["no UTF-8", file("latin1", Buffer.from([0x66, 0xfc, 0x72])), "it is not valid UTF-8"],
    ["10 MB", file("large", "x".repeat(10_000_000)), "is too large for a task: at most 1 MB"],
    ["endless", "/dev/zero", "is too large for a task: at most 1 MB"],
  ])("%s", async (_, path, message) => {
    const program = new FakeProgram();
    const { code, out, err } = await call(program, ["run", "ralph", "--file", path]);
    expect({ code, out }).toEqual({ code: 3, out: "" });
    expect(err).toContain(message);
    expect(program.loopsById.size).toBe(0);
  });

  test("and so is stdin that goes on and on", async () => {
    const options = { stdin: "x".repeat(1_000_001) };
    const { code, err } = await call(new FakeProgram(), ["run", "ralph", "--file", "-"], options);
    expect(code).toBe(3);
    expect(err).toContain("stdin is too large");
  });
});

describe("the status of the loop decides about the exit code of run", () => {
  test.each([
    [{ status: "complete" }, 0],
    [{ status: "failed" }, 1],
    [{ status: "stopped" }, 1],
    [{ status: "blocked", blockedOn: "question" }, 5],
    [{ status: "blocked", blockedOn: "key" }, 5],
    [{ status: "blocked", blockedOn: "budget" }, 6],
    [{ status: "paused" }, 5],
  ])("%j: %i", async (end, expected) => {
    const program = new FakeProgram();
    program.story = async () => end;
    const { code } = await call(program, ["run", "ralph", "x"]);
    expect(code).toBe(expected);
  });
});

test("--detach starts the daemon and prints the id; queue, ping and stop without one are 4", async () => {
  const program = new FakeProgram();
  program.daemonRuns = false;
  for (const words of [["ping"], ["queue"], ["metrics"], ["stop"], ["status"]]) {
    expect((await call(program, words)).code).toBe(4);
  }
  const detach = await call(program, ["run", "ralph", "x", "--detach"]);
  expect(detach).toEqual({
    code: 0,
    out: "1\n",
    err: "started the daemon (pid 77); td stop ends it\n",
  });
  expect((await call(program, ["ping"])).out).toBe("pong 1.2.3\n");
  expect((await call(program, ["start"])).code).toBe(4);
  expect(JSON.parse((await call(program, ["status", "--json"])).out).pid).toBe(77);
  expect((await call(program, ["queue"])).out).toMatchInlineSnapshot(`
    "1 of 50 slots · 1 of 10000 waiting · ralph 1 of 40
    nothing new starts: 900 MB are free
    merging into main: 7, then 8, 9
    #  ID  TYPE   PRIORITY  WHY
       1   ralph  normal    Attempt 1 is at work.
       2   ralph  low       It waits for 1.
    "
  `);
  expect((await call(program, ["metrics"])).out).toMatchInlineSnapshot(`
    "METRIC                   OF                   VALUE  MEAN, MOST WITHIN
    taskdaemon_tokens_total  ralph sim/one input   1200
    taskdaemon_api_seconds   sim/one ok               4       1.5 s, 5.0 s
    "
  `);
  const numbers = JSON.parse((await call(program, ["metrics", "--json"])).out);
  expect(numbers.metrics[0].series[0].value).toBe(1_200);
  expect((await call(program, ["stop"])).code).toBe(0);
});

test("a batch is all or nothing, and says which line is wrong", async () => {
  const dir = await mkdtemp(join(tmpdir(), "td-batch-"));
  const file = join(dir, "loops.jsonl");
  await writeFile(
    file,
    '{"type":"ralph","task":"one"}\n\n{"type":"ralph","task":"two","priority":"high"}\n',
  );
  const program = new FakeProgram();
  const { code, out } = await call(program, ["run", "--batch", file, "--detach", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out).map(({ id }: { id: string }) => id)).toEqual(["1", "2"]);
  await writeFile(
    file,
    '{"type":"ralph","task":"one","name":"first"}\n{"type":"ralph","task":"two","after":["first","7"]}\n',
  );
  await call(program, ["run", "--batch", file, "--detach"]);
  expect(program.asked.at(-1)).toMatchObject({ after: ["7"], afterEarlier: [0] });
  await writeFile(file, '{"type":"ralph","task":"one","after":"second"}\n');
  const unknown = await call(new FakeProgram(), ["run", "--batch", file]);
  expect([unknown.code, unknown.err]).toEqual([
    3,
    expect.stringContaining("loops.jsonl:1: after: no line before this one is called second"),
  ]);
  await writeFile(file, '{"type":"ralph","task":"one"}\n{"type":"ralph","tusk":"two"}\n');
  const wrong = await call(new FakeProgram(), ["run", "--batch", file]);
  expect(wrong.code).toBe(3);
  expect(wrong.err).toContain("loops.jsonl:2:");
  const row = (more: object) => JSON.stringify({ type: "ralph", task: "one", ...more });
  const after = [...Array.from({ length: 1_000 }, (_, at) => String(at + 1)), "first"];
  const unsendable = [
    [{ after }, "after: at most 1000 loops, not 1001"],
    [{ after: ["7x"] }, "after.0: expected a loop id"],
    [{ budget: 1e9 }, "budget: "],
    [{ validate: "x".repeat(10_001) }, "validate: "],
  ] as const;
  for (const [more, says] of unsendable) {
    await writeFile(file, `${row({ name: "first" })}\n\n${row(more)}\n`);
    const asked = new FakeProgram();
    const { code: exit, err } = await call(asked, ["run", "--batch", file]);
    expect([exit, err]).toEqual([3, expect.stringContaining(`loops.jsonl:3: ${says}`)]);
    expect(asked.asked).toEqual([]);
  }
  await writeFile(file, '{"type":"ralph"}\n');
  const lacking = await call(new FakeProgram(), ["run", "--batch", file]);
  expect(lacking.err).toContain("loops.jsonl:1: task: is missing\n");
  await rm(dir, { recursive: true });
});

test.each(["show", "why", "logs", "diff", "replay", "pause", "resume", "stop", "retry"])(
  "td %s of a loop that is not there is 8",
  async (command) => {
    const { code, out, err } = await call(new FakeProgram(), [command, "7"]);
    expect({ code, out }).toEqual({ code: 8, out: "" });
    expect(err).toBe("td: there is no loop 7 (td list shows all)\n");
  },
);

test("a refusal is told as it is, and stdout stays empty with --json", async () => {
  const program = new FakeProgram();
  program.openError = new Refusal(
    exitCodes.daemon,
    "the home /h is in use by process 12",
  ) as UserError;
  program.daemon = () => Promise.reject(program.openError);
  for (const argv of [["run", "ralph", "x"], ["list"]]) {
    expect(await call(program, [...argv, "--json"])).toEqual({
      code: 4,
      out: "",
      err: "td: the home /h is in use by process 12\n",
    });
  }
});

test("a full disk behind stdout is told, and is no success", async () => {
  const running = start(new FakeProgram(loop("1")), ["list"]);
  running.stdout.emit("error", Object.assign(new Error("no space left"), { code: "ENOSPC" }));
  expect(await running.done).toMatchObject({
    code: 1,
    err: "td: cannot write to stdout: no space left\n",
  });
});

test("a refusal cannot steer the terminal", async () => {
  const program = new FakeProgram();
  program.openError = new Refusal(exitCodes.invalid, "bad \u001b]0;owned\u0007 name\u001b[2J");
  const { err } = await call(program, ["list"]);
  expect(err).toBe("td: bad  name\n");
});

test("a bug is 70: one line, and the stack in a private file", async () => {
  const home = join(dir, "home");
  const program = new FakeProgram();
  program.openError = new TypeError("x is not\na function", { cause: new Error("deep") });
  const { code, out, err } = await call(program, ["list", "--json"], { home });
  expect({ code, out }).toEqual({ code: 70, out: "" });
  expect(err).toMatch(/^td: internal error: x is not a function \(details in .+\.log\)\n$/);
  const [name] = readdirSync(join(home, "logs"));
  const log = join(home, "logs", name ?? "");
  expect(readFileSync(log, "utf8")).toMatch(/TypeError: x is not.+at .+caused by: Error: deep/s);
  expect(statSync(log).mode & 0o777).toBe(0o600);
});

test("a bug is told even where nothing can be written", async () => {
  const program = new FakeProgram();
  program.openError = new Error("odd");
  const { code, err } = await call(program, ["list"], { home: file("plain", "") });
  expect(code).toBe(70);
  expect(err).toBe("td: internal error: odd (the details could not be written)\n");
});

test("doctor is 1 when there is a problem, and 0 with warnings alone", async () => {
  const program = new FakeProgram();
  program.checks = [{ name: "disk", state: "warning", message: "little left", remedy: null }];
  expect((await call(program, ["doctor"])).code).toBe(0);
  program.checks = [{ name: "git", state: "problem", message: "missing", remedy: "install git" }];
  const { code, out } = await call(program, ["doctor"]);
  expect(code).toBe(1);
  expect(out).toMatchInlineSnapshot(`
    "✗ git  missing
           → install git

    1 problem to mend first
    "
  `);
});

test("a log that is not whole is 1", async () => {
  const program = new FakeProgram();
  program.store = { ok: false, json: { ok: false }, lines: ["events-1.jsonl:3: cut off"] };
  for (const what of ["verify", "repair"]) {
    const { code, out } = await call(program, ["store", what]);
    expect({ code, out }).toEqual({ code: 1, out: "events-1.jsonl:3: cut off\n" });
  }
});

test("init is 3 where there is a file already", async () => {
  const program = new FakeProgram();
  program.init = { ...program.init, exists: true };
  const { code } = await call(program, ["init", "--yes"]);
  expect(code).toBe(3);
  expect(program.asked).toEqual([]);
});

test("global options may stand before and after the command", async () => {
  const program = new FakeProgram(loop("1", complete));
  const before = await call(program, ["--json", "-q", "list"]);
  const after = await call(program, ["list", "-q", "--json"]);
  expect(before).toEqual(after);
  expect(JSON.parse(after.out)).toHaveLength(1);
});

test("td alone says what to try first", async () => {
  const { code, out } = await call(new FakeProgram(), []);
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "td carries software work out by itself: each piece in its own worktree and
    sandbox, again and again with a fresh mind, until a command of yours passes.

    Try:
      td demo                        see it work; no key and no account needed
      td doctor                      is this machine ready?
      td run ralph "fix the tests"   in a git repository: one piece of work

    td help lists all commands, td help run explains one.
    "
  `);
});

test.each([["help", "run"], ["run", "--help"], ["help", "trash", "list"], ["--help"], ["help"]])(
  "td %s %s helps on stdout",
  async (...argv) => {
    const { code, out, err } = await call(new FakeProgram(), argv.filter(Boolean));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("Usage: td");
    if (argv.includes("run")) expect(out).toContain("Examples:");
  },
);

test("the version is one line", async () => {
  const { code, out } = await call(new FakeProgram(), ["--version", "-q"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
