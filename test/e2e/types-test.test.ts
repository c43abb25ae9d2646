/** `td types test`: loop types against a scripted model, as users run it in their own checks. */
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import { type Desk, jsonOf, makeDesk, td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

const examples = join(import.meta.dirname, "../../loops/examples");
const noKey = { env: { ANTHROPIC_API_KEY: undefined, ANTHROPIC_BASE_URL: undefined } };

async function deskWith(files: Readonly<Record<string, string>>): Promise<Desk> {
  const mock = await startMockLlm({});
  await mock.close();
  return makeDesk({ modelUrl: mock.url, files: { "a.txt": "a\n", ...files } });
}

test("the examples that come with the program pass, without a key", async () => {
  const told = await td(await deskWith({}), ["types", "test", examples], noKey);
  expect(told).toMatchObject({
    code: 0,
    stdout: "✓ dependency-upgrade.yml\n✓ docs-refresh.yml\n",
  });
});

const mine = {
  ".taskdaemon/loops/mine.yml": "name: mine\nextends: ralph\n",
  ".taskdaemon/loops/tests/fails.yml": `type: mine
task: Do it.
validate: "test -e never"
scenario: { replies: [{ tools: [{ name: ask_person, input: { question: Which one? } }] }] }
expect: { iterations: 3, prompts: [Do it., never said], files: { b.txt: x } }
`,
};

test("what did not come out as it should is told line by line", async () => {
  const desk = await deskWith(mine);
  const told = await td(desk, ["--json", "types", "test"], noKey);
  expect(told.code).toBe(1);
  const [view] = jsonOf<{ name: string; problems: string[] }[]>(told);
  expect(view?.name).toBe("fails.yml");
  expect(view?.problems).toEqual([
    expect.stringMatching(/^status: expected complete, not blocked: /),
    "iterations: expected 3, not 0",
    expect.stringMatching(/^files: there is no b\.txt in /),
    'prompts: the model was never told "never said"',
  ]);
});

test.each([
  ["typ: mine", /tests\/fails\.yml:1:1: unknown key "typ" — did you mean "type"\?/],
  ["expect: { iteration: 1 }", /tests\/fails\.yml:1:11: unknown key "iteration" under expect/],
])("a test that is wrong itself (%s) is refused with its place", async (line, message) => {
  const desk = await deskWith({ ...mine, ".taskdaemon/loops/tests/fails.yml": `${line}\n` });
  const told = await td(desk, ["types", "test"], noKey);
  expect(told).toMatchObject({ code: 3, stderr: expect.stringMatching(message) });
});

test("a parameter that does not fit is refused before anything starts", async () => {
  const types = {
    "p/mine.yml": "name: mine\nextends: ralph\nparameters: { n: { default: 1, max: 3 } }\n",
  };
  const desk = await deskWith({ ...types, "taskdaemon.yml": "loops: { paths: [p] }\n" });
  const run = ["run", "mine", "x", "--validate", "true", "--dry-run"];
  expect(await td(desk, [...run, "--set", "n=9"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--set n: expected 3 or less, not 9"),
  });
  expect(await td(desk, [...run, "--set", "n=2"])).toMatchObject({ code: 0 });
});
