import { describe, expect, test } from "vitest";
import { call } from "./call.ts";
import { FakeProgram, loop } from "./fake-program.ts";

async function tab(...words: string[]): Promise<string[]> {
  const program = new FakeProgram(loop("3", { title: "数据\u001b[2J base" }), loop("4"));
  const { code, out, err } = await call(program, ["complete", "--", ...words]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out.trimEnd().split("\n");
}

describe("TAB offers", () => {
  test("commands", async () => {
    expect(await tab("tra")).toEqual(["trash\tremoved worktrees: list, restore, empty", ":4"]);
    expect(await tab("trash", "")).toHaveLength(4);
    const all = await tab("");
    expect(all.map((line) => line.split("\t")[0])).toContain("run");
    expect(all.join("\n")).not.toContain("complete\t");
  });

  test("loops, by what they are", async () => {
    expect(await tab("logs", "")).toEqual([
      "3\t◌ pending 数据 base",
      "4\t◌ pending Make the tests pass",
      ":4",
    ]);
    expect(await tab("run", "--resume", "")).toHaveLength(3);
    expect(await tab("--home", "/h", "show", "4")).toEqual([
      "4\t◌ pending Make the tests pass",
      ":4",
    ]);
  });

  test("types, words and options", async () => {
    expect(await tab("run", "r")).toEqual(["ralph\tChanges code until it passes.", ":4"]);
    expect(await tab("run", "--priority", "h")).toEqual(["high\t", ":4"]);
    expect(await tab("list", "--status", "b")).toEqual(["blocked\t", ":4"]);
    expect(await tab("run", "--max")).toEqual(["--max-iterations\tgive up after so many", ":4"]);
    expect(await tab("completions", "z")).toEqual(["zsh\t", ":4"]);
  });

  test("files, as the shell does", async () => {
    expect(await tab("run", "--file", "")).toEqual([":0"]);
  });

  test("nothing when something is wrong, and never an error", async () => {
    const program = new FakeProgram();
    program.openError = new Error("the log is broken");
    expect(await call(program, ["complete", "--", "logs", ""])).toEqual({
      code: 0,
      out: ":4\n",
      err: "",
    });
    expect((await call(program, ["complete"])).code).toBe(0);
  });
});

test.each(["bash", "zsh", "fish", "pwsh"])("there is a script for %s", async (shell) => {
  const { code, out } = await call(new FakeProgram(), ["completions", shell]);
  expect(code).toBe(0);
  expect(out).toMatch(/td complete|td' complete|complete --/);
});
