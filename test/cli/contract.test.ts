/** What a user's script meets: ids and arguments from variables that are empty or not what was meant. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
    "td: --model: expected provider/model\n(td run --help explains it)\n",
  ],
  [["run", "x".repeat(65), "y"], 2, "td: the type: Too big"],
  [["run", "ralph", "x", "--validate", "y".repeat(10_001)], 2, "td: --validate: Too big"],
] as const)("td %j is %i", async (argv, expected, says) => {
  const program = new FakeProgram(loop("1"));
  const { code, out, err } = await call(program, argv);
  expect({ code, out }).toEqual({ code: expected, out: "" });
  expect(err).toContain(says);
  expect(program.asked).toEqual([]);
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
