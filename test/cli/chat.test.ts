import { expect, test } from "vitest";
import { exitCodes } from "../../src/protocol/errors.ts";
import { call } from "./call.ts";
import { FakeProgram } from "./fake-program.ts";

test("td chat says the answer on stdout, and what goes by on stderr", async () => {
  const { code, out, err } = await call(new FakeProgram(), ["chat", "Where\u001b[2J is it?"]);
  expect([code, out]).toEqual([exitCodes.done, "you said: Where is it?\n"]);
  expect(err).toContain("→ grep needle");
  expect(err).toContain("td chat --continue c1");
});

test("with --json it is one value", async () => {
  const { out } = await call(new FakeProgram(), ["chat", "-", "--json"], { stdin: "Hello" });
  expect(JSON.parse(out)).toMatchObject({
    chat: "c1",
    model: "anthropic/model",
    text: "you said: Hello\n",
    ended: "done",
    usage: { costUsd: 0.01 },
  });
});

test("nothing to say is refused", async () => {
  const { code, err } = await call(new FakeProgram(), ["chat", " "]);
  expect([code, err]).toEqual([exitCodes.usage, expect.stringContaining("is empty")]);
});

test.each([
  ["failed", exitCodes.failed],
  ["failed budget", exitCodes.budget],
  ["failed key", exitCodes.person],
  ["stopped", exitCodes.rejected],
])("an answer that is %s is told by the exit code", async (message, code) => {
  const ended = await call(new FakeProgram(), ["chat", message]);
  expect([ended.code, ended.err]).toEqual([code, expect.stringContaining("so it is")]);
});
