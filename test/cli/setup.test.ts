import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { call, start } from "./call.ts";
import { complete, FakeProgram, loop } from "./fake-program.ts";

const terminal = { stdin: true, stderr: true };

test("init writes what it shows once a person agrees", async () => {
  const program = new FakeProgram();
  program.init = { ...program.init, text: "# all\u001b[2J of it\n", detected: "npm test" };
  const { code, out, err } = await call(program, ["init"], { terminal, stdin: "y" });
  expect(code).toBe(0);
  expect(err).toContain("# all of it\n");
  expect(err).toContain("Write this to /repo/taskdaemon.yml?");
  expect(out).toBe("wrote /repo/taskdaemon.yml\nvalidation: npm test\n");
  expect(program.asked).toEqual([{ wrote: "/repo/taskdaemon.yml" }]);
});

test("init writes nothing when the answer is no", async () => {
  const program = new FakeProgram();
  const { code, out } = await call(program, ["init"], { terminal, stdin: "n" });
  expect({ code, out, asked: program.asked }).toEqual({ code: 0, out: "", asked: [] });
});

test.each([
  ["y\n", "removed 2 for good\n"],
  ["n\n", ""],
  ["\n", ""],
  ["", ""],
])("trash empty, answered %j", async (stdin, expected) => {
  const { code, out, err } = await call(new FakeProgram(), ["trash", "empty"], { terminal, stdin });
  expect({ code, out }).toEqual({ code: 0, out: expected });
  expect(err).toContain("Remove 1 for good? [y/N] ");
});

test("mock-llm prints its URL and runs until Ctrl-C", async () => {
  const running = start(new FakeProgram(), ["mock-llm", "--port", "0"]);
  while (running.out() === "") await new Promise(setImmediate);
  expect(running.out()).toBe("http://127.0.0.1:4010\n");
  running.signal("SIGINT");
  expect((await running.done).code).toBe(0);
});

test("a port that is taken is wrong usage", async () => {
  const program = new FakeProgram();
  const taken = Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE" });
  program.mockLlm = () => Promise.reject(taken);
  expect(await call(program, ["mock-llm", "--port", "80"])).toEqual({
    code: 2,
    out: "",
    err: "td: port 80 is in use by another program; --port 0 picks a free one\n",
  });
});

test("demo's exit code is its own, and its lines leave stdout alone with --json", async () => {
  const program = new FakeProgram();
  expect(await call(program, ["demo", "--speed", "2.5"])).toEqual({
    code: 0,
    out: "the demo is over\n",
    err: "",
  });
  expect((await call(program, ["demo", "--json"])).err).toBe("the demo is over\n");
});

test("config show leaves the origins out unless they are asked for", async () => {
  const program = new FakeProgram();
  expect((await call(program, ["config"])).out).toBe("iteration:\n  max: 100\n");
  expect((await call(program, ["config", "show", "--origins"])).out).toBe(
    "iteration:\n  max: 100 # default\n",
  );
});

test("types are listed, shown and explained", async () => {
  const program = new FakeProgram();
  expect((await call(program, ["types"])).out).toMatchInlineSnapshot(`
    "TYPE   FROM      DESCRIPTION
    ralph  built-in  Changes code until it passes.
    "
  `);
  expect((await call(program, ["types", "show", "ralph"])).out).toBe("name: ralph\n");
  expect((await call(program, ["types", "explain", "ralph"])).out).toMatchInlineSnapshot(`
    "ralph  Changes code until it passes.
    version abc123, from built-in

    tools  ["read","bash"]  # ralph.yml:5:3

    ── system prompt (sample values) ──
    You are a senior engineer.

    ── prompt (sample values) ──
    # Loop 1
    "
  `);
  expect((await call(program, ["types", "show", "no"])).code).toBe(8);
});

test("trash is listed and restored from", async () => {
  const program = new FakeProgram();
  expect((await call(program, ["trash"])).out).toMatch(
    /^LOOP {2}REMOVED +ID\n1 {5}\d+d ago +t1\n$/,
  );
  expect((await call(program, ["trash", "restore", "t1"])).out).toBe(
    "restored to /home/td/worktrees/1\n",
  );
});

test("control tells what the loop then is", async () => {
  const program = new FakeProgram(loop("1", { status: "paused" }));
  expect(await call(program, ["resume", "1"])).toEqual({
    code: 0,
    out: "◌ pending  1  Make the tests pass\n",
    err: "the daemon goes on with it: td logs 1 -f follows it\n",
  });
  const back = await call(program, ["rollback", "1", "--to", "2"]);
  expect(back.err).toContain("its work is as it was after iteration 2\n");
  await call(program, ["answer", "1", "use the old API"]);
  expect(program.asked).toContainEqual({ answer: "1", text: "use the old API" });
});

test("what can be edited no more is refused before the editor opens", async () => {
  const program = new FakeProgram(loop("1", complete));
  await call(program, ["edit", "1"], { env: { EDITOR: "exit 9 #" } });
  await call(program, ["edit", "1", "--file", "/nowhere", "--document", "plan.md"]);
  const refused = expect.objectContaining({ amend: "1", type: "edit" });
  expect(program.asked).toEqual([refused, refused]);
});

test("shell --print prints the directory alone on stdout, and a warning beside it", async () => {
  expect(await call(new FakeProgram(), ["shell", "1", "--print"])).toEqual({
    code: 0,
    out: "/home/td/worktrees/1\n",
    err: "git there is the loop's own: use td shell to run git safely\n",
  });
});

test("shell starts the user's shell where the loop works, and passes its exit code on", async () => {
  const program = new FakeProgram();
  const dir = mkdtempSync(join(tmpdir(), "td-shell-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  program.shell = async () => ({ dir, env: { TD_LOOP: "1" } });
  expect((await call(program, ["shell", "1"], { env: { SHELL: "/bin/false" } })).code).toBe(1);
  const missing = await call(program, ["shell", "1"], { env: { SHELL: "/bin/none" } });
  expect(missing).toMatchObject({ code: 1 });
  expect(missing.err).toContain(
    `td: cannot start /bin/none in ${dir}: set SHELL to a shell that is there\n`,
  );
});
