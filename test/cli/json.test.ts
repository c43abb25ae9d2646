import { expect, test } from "vitest";
import { noUsage } from "../../src/core/loop.ts";
import { call } from "./call.ts";
import { complete, FakeProgram, live, loop, startedAt } from "./fake-program.ts";

function program(): FakeProgram {
  const fake = new FakeProgram(loop("1", complete), loop("2", { title: "odd \u009b2J title" }));
  fake.record("1", 1, [{ type: "note", text: "hello", at: startedAt }], "+x\n");
  fake.feed.push(
    { seq: 1, at: "2026-01-01T00:00:00.000Z", type: "loop.created", loop: "1", data: {} },
    { seq: 2, at: "2026-01-01T00:00:00.000Z", type: "loop.created", loop: "2", data: {} },
    { seq: 3, at: "2026-01-01T00:00:01.000Z", type: "x", loop: "1", data: { iteration: 1 } },
  );
  fake.story = async (watch) => {
    watch(live("3", { type: "note", iteration: 1, text: "a note" }));
    watch(live("3", { type: "usage", iteration: 1, usage: noUsage }));
    watch(live("3", { type: "verdict", iteration: 1, passed: false, detail: "exit code 1" }));
    return complete;
  };
  return fake;
}

test.each([
  [["run", "ralph", "x"]],
  [["run", "ralph", "x", "-v"]],
  [["run", "ralph", "x", "--dry-run"]],
  [["run", "--resume", "2"]],
  [["list"]],
  [["show", "1"]],
  [["why", "1"]],
  [["diff", "1"]],
  [["replay", "1"]],
  [["replay", "1", "--iteration", "1"]],
  [["pause", "2"]],
  [["resume", "2"]],
  [["stop", "2"]],
  [["retry", "2"]],
  [["answer", "2", "allow"]],
  [["rollback", "2", "--to", "0"]],
  [["shell", "1"]],
  [["doctor"]],
  [["init", "--yes"]],
  [["types"]],
  [["types", "show", "ralph"]],
  [["types", "explain", "ralph"]],
  [["config"]],
  [["config", "check"]],
  [["config", "show", "--origins"]],
  [["config", "schema"]],
  [["store"]],
  [["store", "repair"]],
  [["trash"]],
  [["trash", "restore", "t1"]],
  [["trash", "empty", "--yes"]],
  [["demo"]],
  [["completions", "bash"]],
])("td %j --json prints one JSON value and nothing else", async (argv) => {
  const { code, out } = await call(program(), [...argv, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toBeTruthy();
  expect(out.endsWith("\n")).toBe(true);
  expect(out.trimEnd()).not.toContain("\n");
});

test("an empty list is an empty array", async () => {
  expect(await call(new FakeProgram(), ["list", "--json"])).toEqual({
    code: 0,
    out: "[]\n",
    err: "",
  });
});

test("run prints the loop as show does", async () => {
  const fake = program();
  const { out } = await call(fake, ["run", "ralph", "x", "--json"]);
  const shown = await call(fake, ["show", "3", "--json"]);
  expect(out).toBe(shown.out);
  expect(JSON.parse(out)).toMatchObject({ id: "3", status: "complete", iteration: 2 });
});

test("events and logs are streams of lines", async () => {
  const all = await call(program(), ["events", "--json", "--from", "2"]);
  expect(
    all.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).seq),
  ).toEqual([2, 3]);
  const ofOne = await call(program(), ["logs", "1", "--json"]);
  expect(
    ofOne.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).seq),
  ).toEqual([1, 3]);
  const ofIteration = await call(program(), ["logs", "1", "--json", "--iteration", "1"]);
  expect(JSON.parse(ofIteration.out).seq).toBe(3);
});

test("no control character of a text gets through, and the value is the same", async () => {
  const { out } = await call(program(), ["show", "2", "--json"]);
  expect(out.trimEnd()).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(out).title).toBe("odd \u009b2J title");
});

test("people get it indented", async () => {
  const { out } = await call(program(), ["show", "1", "--json"], { terminal: { stdout: true } });
  expect(out).toContain('\n  "id": "1",\n');
});
