/** What a user's script meets: ids and arguments from variables that are empty or not what was meant. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call, start } from "./call.ts";
import { complete, FakeProgram, loop } from "./fake-program.ts";

const dir = mkdtempSync(join(tmpdir(), "td-contract-"));
afterAll(() => rmSync(dir, { recursive: true }));

const ofOneLoop = [
  ["show"],
  ["why"],
  ["logs"],
  ["diff"],
  ["replay"],
  ["report"],
  ["tree"],
  ["graph"],
  ["pause"],
  ["resume"],
  ["retry"],
  ["stop"],
  ["shell"],
  ["merge"],
  ["approve"],
  ["drop"],
  ["edit"],
  ["send", "stop"],
  ["list", "--plan"],
  ["run", "--resume"],
  ["run", "ralph", "x", "--after"],
  ["audit", "list", "--loop"],
  ["send", "alert", "a", "b", "--plan"],
];

test.each(ofOneLoop)("td %s %s of what can be no id is 8, and of nothing 2", async (...words) => {
  const argv = words.filter(Boolean);
  for (const id of ["nope", "../1", "1/2", "01", "1.0", "1 ", "１", "1\u001b[2J\nx", "-1"]) {
    const program = new FakeProgram(loop("1", complete));
    const { code, out, err } = await call(program, [...argv, id]);
    expect({ id, code, out }).toEqual({ id, code: 8, out: "" });
    expect(err).toMatch(
      /^td: there is no loop [^\n]+: an id is like 7 or 7\.2\.1 \(td list [^\n]+\n$/,
    );
    expect(program.asked).toEqual([]);
  }
  const long = await call(new FakeProgram(), [...argv, "x".repeat(5_000)]);
  expect(long.err.length).toBeLessThan(200);
  const empty = await call(new FakeProgram(loop("1")), [...argv, ""]);
  expect([empty.code, empty.err]).toEqual([2, expect.stringContaining("It must not be empty.")]);
});

test.each([
  [["chat", "hi", "--continue", "zz"], 8, "there is no conversation zz"],
  [["list", "--home", ""], 2, "'--home <dir>' argument '' is invalid"],
  [["list", "--repo", " "], 2, "'--repo <dir>' argument ' ' is invalid"],
  [["types", "show", ""], 2, "'' is no valid type"],
  [["config", "rollback", ""], 2, "'' is no valid version"],
  [["trash", "restore", ""], 2, "'' is no valid trash-id"],
  [["dead-letters", "drop", ""], 2, "'' is no valid message-id"],
  [["store", "backup", ""], 2, "'' is no valid file"],
  [["run", "", "x"], 2, "'' is no valid type"],
  [
    ["run", "ralph", "x", "--model", "ab"],
    2,
    "td: --model: expected provider/model\n(--help explains it)\n",
  ],
  [["new-plan", "x", "--model", "ab"], 2, "provider/model\n(--help explains it)\n"],
  [["run", "x".repeat(65), "y"], 2, "td: the type: Too big"],
  [["run", "ralph", "x", "--validate", "y".repeat(10_001)], 2, "td: --validate: Too big"],
] as const)("td %j is %i", async (argv, expected, says) => {
  const program = new FakeProgram(loop("1"));
  const { code, out, err } = await call(program, argv);
  expect({ code, out }).toEqual({ code: expected, out: "" });
  expect(err).toContain(says);
  expect(program.asked).toEqual([]);
});

test.each([
  [["--version", "--json"], { version: "1.2.3" }],
  [["--json", "-V"], { version: "1.2.3" }],
  [["--json", "--help"], { help: expect.stringContaining("Usage: td ") }],
  [["run", "--help", "--json"], { help: expect.stringMatching(/Usage: td run .+Examples:/s) }],
  [["help", "trash", "list", "--json"], { help: expect.stringContaining("td trash list") }],
  [["--json", "help", "run"], { help: expect.stringContaining("Usage: td run ") }],
])("td %j is one JSON value as well", async (argv, expected) => {
  const { code, out, err } = await call(new FakeProgram(), argv);
  expect({ code, err, told: JSON.parse(out) }).toEqual({ code: 0, err: "", told: expected });
});

test("help for what is no command says so, whatever options stand beside it", async () => {
  const { code, out, err } = await call(new FakeProgram(), ["help", "lst", "--json"]);
  expect({ code, out, err }).toEqual({
    code: 2,
    out: "",
    err: "td: unknown command 'lst'\n(Did you mean list?)\n",
  });
});

test("an iteration and a plan that are not there are 8, with --json too", async () => {
  const program = new FakeProgram(loop("1", complete));
  program.record("1", 1, [{ type: "note", text: "hello", at: 0 }], "");
  for (const argv of [
    ["logs", "1", "--iteration", "9"],
    ["logs", "1", "--iteration", "9", "--json"],
    ["logs", "1", "--iteration", "9", "--json", "-f"],
    ["list", "--plan", "7", "--json"],
  ]) {
    const { code, out } = await call(program, argv);
    expect({ argv, code, out }).toEqual({ argv, code: 8, out: "" });
  }
  const none = await call(program, ["list", "--plan", "1", "--status", "failed", "--json"]);
  expect(none).toEqual({ code: 0, out: "[]\n", err: "" });
});

describe("td edit", () => {
  const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("td-edit-4711-"));
  const paused = () => new FakeProgram(loop("4711", { status: "paused" }));

  test("opens no editor where there is nobody to write", async () => {
    const { code, err } = await call(paused(), ["edit", "4711"]);
    const says =
      "td: td edit opens an editor, and there is no terminal: use --file, or set EDITOR\n";
    expect([code, err, left()]).toEqual([2, says, []]);
  });

  test("leaves nothing behind when the editor fails, unless something was written", async () => {
    const failed = await call(paused(), ["edit", "4711"], { env: { EDITOR: "exit 9 #" } });
    expect([failed.code, left()]).toEqual([1, []]);
    const EDITOR = 'f() { echo more >> "$1"; exit 9; }; f';
    const written = await call(paused(), ["edit", "4711"], { env: { EDITOR, PATH: "/bin" } });
    const kept = left();
    for (const name of kept) rmSync(join(tmpdir(), name), { recursive: true });
    expect([written.code, kept.length]).toEqual([1, 1]);
    expect(written.err).toContain(`your text is kept in ${join(tmpdir(), kept[0] ?? "")}\n`);
  });
});

describe("td run --batch", () => {
  const file = join(dir, "loops.jsonl");
  const one = '{"type":"ralph","task":"one","agent":"builtin"}\n';
  const batch = (text: string, program = new FakeProgram(), ...more: string[]) => {
    writeFileSync(file, text);
    return call(program, ["run", "--batch", file, ...more]);
  };

  test.each([
    [["--dry-run"], "--dry-run"],
    [["--resume", "1"], "--resume"],
    [["--priority", "low"], "--priority"],
    [["--max-iterations", "5"], "--max-iterations"],
    [["--file", "x"], "--file"],
    [["ralph"], "TYPE"],
  ])("passes over nothing in silence: %j", async (more, name) => {
    const program = new FakeProgram(loop("1"));
    const { code, err } = await batch(one, program, ...more);
    expect([code, err]).toEqual([
      2,
      `td: --batch takes from each line what one loop is given; ${name} cannot be given with it (--detach can)\n`,
    ]);
    expect(program.asked).toEqual([]);
  });

  test.each([
    ["", "loops.jsonl: it has no line; each is an object"],
    ["\n \n", "loops.jsonl: it has no line; each is an object"],
    ['{"type":"ralph","task":" "}', "loops.jsonl:1: task: it is empty: say what is to be done"],
    ['{"type":"ralph","task":"x","agent":"y"}', "loops.jsonl:1: agent: there is only builtin"],
    ['{"type":"ralph","task":"x","after":[1]}', "loops.jsonl:1: after: expected an id or a name"],
  ])("of %j is 3", async (text, says) => {
    const { code, err } = await batch(text);
    expect([code, err]).toEqual([3, expect.stringContaining(says)]);
  });

  test("that is not there says that it is the batch", async () => {
    const { code, err } = await call(new FakeProgram(), ["run", "--batch", "none.jsonl"]);
    const says = "td: cannot read the batch from none.jsonl: there is no such file\n";
    expect([code, err]).toEqual([3, says]);
  });

  test.each([
    [[complete, complete], 0],
    [[complete, { status: "blocked", blockedOn: "question" }], 5],
    [[{ status: "blocked", blockedOn: "budget" }, complete], 6],
    [[{ status: "blocked", blockedOn: "budget" }, { status: "paused" }], 5],
    [[{ status: "paused" }, { status: "failed" }], 1],
  ] as const)("ends as its loops do: %j: %i", async (ends, expected) => {
    const program = new FakeProgram();
    const left = [...ends];
    program.story = async () => left.shift() ?? complete;
    const { code } = await batch(one + one, program);
    expect(code).toBe(expected);
  });

  test("says at Ctrl-C what each loop is by then", async () => {
    const program = new FakeProgram();
    let started = () => {};
    const atWork = new Promise<void>((resolve) => {
      started = resolve;
    });
    program.story = async (_, signal) => {
      started();
      if (!signal.aborted) {
        await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
      }
      return { status: "running" };
    };
    writeFileSync(file, one + one);
    const running = start(program, ["run", "--batch", file, "--json"]);
    await atWork;
    running.signal("SIGINT");
    const { code, out } = await running.done;
    expect(code).toBe(130);
    expect(JSON.parse(out)).toMatchObject([
      { id: "1", status: "running" },
      { id: "2", status: "running" },
    ]);
  });
});
