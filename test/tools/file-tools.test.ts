import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Hands, openHands } from "./bench.ts";

let hands: Hands;
beforeEach(async () => {
  hands = await openHands();
});
afterEach(() => hands.remove());

describe("read", () => {
  test("numbers the lines", async () => {
    await hands.put("a.ts", "one\r\n\ttwo\n\nfour\n");
    expect(await hands.say("read", { path: "./a.ts" })).toMatchInlineSnapshot(`
      "     1	one
           2		two
           3	
           4	four"
    `);
  });

  test("reads a page and says how to go on", async () => {
    await hands.put("a.ts", Array.from({ length: 5 }, (_, n) => `line ${n + 1}\n`).join(""));
    expect(await hands.say("read", { path: "a.ts", offset: 2, limit: 2 })).toMatchInlineSnapshot(`
      "     2	line 2
           3	line 3
      [2 more lines: go on with offset 4]"
    `);
    expect(await hands.say("read", { path: "a.ts", offset: "4" })).toMatchInlineSnapshot(`
      "     4	line 4
           5	line 5"
    `);
    expect(await hands.say("read", { path: "a.ts", offset: 6 })).toMatchInlineSnapshot(
      `"✗ a.ts has only 5 lines: use a smaller offset than 6"`,
    );
  });

  test("pages a file of many or long lines by size", async () => {
    await hands.put("long", `${"👍".repeat(2000)}\n`.repeat(100));
    const text = await hands.say("read", { path: "long" });
    expect(text.length).toBeLessThan(52_000);
    expect(text.isWellFormed()).toBe(true);
    expect(text.slice(-60)).toMatchInlineSnapshot(`
      "f 4000 characters cut]
      [76 more lines: go on with offset 25]"
    `);
    expect(text.split("\n")[0]).toMatch(/^ {5}1\t👍{1000} \[… line of 4000 characters cut\]$/u);
  });

  test("says that a file is empty", async () => {
    await hands.put("empty", "");
    expect(await hands.say("read", { path: "empty" })).toMatchInlineSnapshot(`"empty is empty"`);
  });

  test("names paths like a missing one", async () => {
    await hands.put("src/deep/index.ts", "x");
    await hands.put("src/config.ts", "x");
    const say = (path: string): Promise<string> => hands.say("read", { path });
    expect(await say("src/index.ts")).toMatchInlineSnapshot(
      `"✗ src/index.ts does not exist; did you mean src/deep/index.ts?"`,
    );
    expect(await say("src/confg.ts")).toMatchInlineSnapshot(
      `"✗ src/confg.ts does not exist; did you mean src/config.ts?"`,
    );
    expect(await say("src/config.js")).toMatchInlineSnapshot(
      `"✗ src/config.js does not exist; did you mean src/config.ts?"`,
    );
    expect(await say("no/such/thing.py")).toMatchInlineSnapshot(
      `"✗ no/such/thing.py does not exist: there is no directory no; use glob or list"`,
    );
  });

  test("refuses in sentences", async () => {
    await hands.put("src/a", "x");
    await hands.put("image.png", "PNG\0\0");
    await hands.put("large.log", "0123456789\n".repeat(300_000));
    const say = (path: string): Promise<string> => hands.say("read", { path });
    expect(await say("src")).toMatchInlineSnapshot(`"✗ src is a directory: use list"`);
    expect(await say("image.png")).toMatchInlineSnapshot(
      `"✗ image.png is a binary file of 5 bytes, not text"`,
    );
    expect(await say("large.log")).toMatchInlineSnapshot(
      `"✗ large.log is 3.3 MB, more than the 2.0 MB that can be read: find the lines you need with grep and its context argument"`,
    );
    expect(await say("../secret")).toMatchInlineSnapshot(
      `"✗ ../secret is outside the worktree: use a path relative to it, such as src/index.ts"`,
    );
    expect(await say("/etc/passwd")).toMatchInlineSnapshot(
      `"✗ /etc/passwd is outside the worktree: use a path relative to it, such as src/index.ts"`,
    );
    expect(await say(".git/config")).toMatchInlineSnapshot(
      `"✗ .git/config is in .git, which tools do not touch: use git in bash"`,
    );
  });

  test("redacts, also where a line is cut", async () => {
    await hands.put(".env", `PASSWORD=hunter2\n${"x".repeat(1995)}hunter2\n`);
    const text = await hands.say("read", { path: ".env" });
    expect(text).not.toMatch(/hunt/u);
    expect(text).toContain("PASSWORD=[redacted]");
  });
});

describe("write", () => {
  test("creates files and replaces what was read", async () => {
    const write = (content: string): Promise<string> =>
      hands.say("write", { path: "n/a.ts", content });
    expect(await write("one\ntwo\n")).toMatchInlineSnapshot(`"created n/a.ts: 2 lines, 8 bytes"`);
    expect(await write("ä")).toMatchInlineSnapshot(`"replaced n/a.ts: 1 line, 2 bytes"`);
    expect(await hands.peek("n/a.ts")).toBe("ä");
  });

  test("wants a file read before it replaces it, by whatever name", async () => {
    await hands.put("a.ts", "old");
    const write = (path: string): Promise<string> => hands.say("write", { path, content: "new" });
    expect(await write("a.ts")).toMatchInlineSnapshot(
      `"✗ a.ts exists already: read it before you write it"`,
    );
    await hands.call("read", { path: "./a.ts" });
    await hands.put("a.ts", "newer");
    expect(await write("a.ts")).toMatchInlineSnapshot(
      `"✗ a.ts changed since you read it: read it again"`,
    );
    expect(await hands.peek("a.ts")).toBe("newer");
    await hands.call("read", { path: `${hands.dir}/a.ts` });
    expect(await write("x/../a.ts")).toMatchInlineSnapshot(`"replaced a.ts: 1 line, 3 bytes"`);
  });

  test("takes an empty text", async () => {
    expect(await hands.say("write", { path: "empty", content: "" })).toMatchInlineSnapshot(
      `"created empty: 0 lines, 0 bytes"`,
    );
  });
});

describe("edit", () => {
  const edit = (old_string: string, new_string: string, more: object = {}): Promise<string> =>
    hands.say("edit", { path: "a.ts", old_string, new_string, ...more });

  async function given(text: string): Promise<void> {
    await hands.put("a.ts", text);
    await hands.call("read", { path: "a.ts" });
  }

  test("replaces the one occurrence, as it is written", async () => {
    await given("const a = 1;\nconst b = 2;\n");
    expect(await edit("b = 2", "b = $& $1 \\n")).toMatchInlineSnapshot(
      `"edited a.ts: 1 replacement, at line 2"`,
    );
    expect(await hands.peek("a.ts")).toBe("const a = 1;\nconst b = $& $1 \\n;\n");
    expect(await edit("const a = 1;\n", "")).toMatchInlineSnapshot(
      `"edited a.ts: 1 replacement, at line 1"`,
    );
    expect(await hands.peek("a.ts")).toBe("const b = $& $1 \\n;\n");
  });

  test("keeps the mark and the line ends of the file", async () => {
    await given("\uFEFFone\r\ntwo\r\nthree\r\n");
    expect(await edit("one\ntwo", "1\n2\n2½")).toMatchInlineSnapshot(
      `"edited a.ts: 1 replacement, at line 1"`,
    );
    expect(await hands.peek("a.ts")).toBe("\uFEFF1\r\n2\r\n2½\r\nthree\r\n");
  });

  test("wants one occurrence, or replace_all", async () => {
    await given("x\nx y\n\nx\n");
    expect(await edit("x", "z")).toMatchInlineSnapshot(
      `"✗ old_string occurs 3 times in a.ts, at lines 1, 2, 4: add lines around the one you mean, or set replace_all"`,
    );
    expect(await edit("x", "z", { replace_all: "true" })).toMatchInlineSnapshot(
      `"edited a.ts: 3 replacements, at lines 1, 2, 4"`,
    );
    expect(await hands.peek("a.ts")).toBe("z\nz y\n\nz\n");
  });

  test("makes no text that no file may have", async () => {
    await given("x".repeat(100_000));
    const long = "y".repeat(5_000);
    expect(await edit("x", long, { replace_all: "true" })).toMatchInlineSnapshot(
      `"✗ a.ts would have 500000000 characters; a file may have 2000000"`,
    );
  });

  test("looks for what is like it no longer than it is worth", async () => {
    await given("a\n".repeat(900_000));
    const told = await edit(`${"a\n".repeat(60_000)}b`, "x");
    expect(told.split("\n")[0]).toBe(
      "✗ old_string is not in a.ts. The closest is at lines 1–60001:",
    );
  });

  test("shows what is there when it is not what was meant", async () => {
    await given(
      "function add(a, b) {\n\treturn a + b;\n}\n\nfunction sub(a, b) {\n\treturn a - b;\n}\n",
    );
    expect(await edit("function sub(a, b) {\n    return a - b;\n}", "x")).toMatchInlineSnapshot(`
      "✗ old_string is not in a.ts. Lines 5–7 differ from it in white space only; they are
           5	function sub(a, b) {
           6		return a - b;
           7	}"
    `);
    expect(await edit("     2\t\treturn a + b;", "x")).toMatchInlineSnapshot(
      `"✗ old_string is not in a.ts. It has the line numbers that read puts before each line: leave them out."`,
    );
    expect(await edit("function sub(x, b) {\n\treturn a - b;\n}", "x")).toMatchInlineSnapshot(`
      "✗ old_string is not in a.ts. The closest is at lines 5–7:
           5	function sub(a, b) {
           6		return a - b;
           7	}"
    `);
    expect(await edit("class Nothing extends Like", "x")).toMatchInlineSnapshot(
      `"✗ old_string is not in a.ts. Nothing in the file is like it: read the file again."`,
    );
    expect(await edit("   \n  ", "x")).toMatchInlineSnapshot(
      `"✗ old_string is not in a.ts. It is only white space: give the lines around it too."`,
    );
  });

  test("refuses what changes nothing or was not read", async () => {
    await hands.put("a.ts", "one\n");
    expect(await edit("one", "two")).toMatchInlineSnapshot(`"✗ read a.ts before you edit it"`);
    await given("one\n");
    expect(await edit("one", "one")).toMatchInlineSnapshot(
      `"✗ old_string and new_string are the same: nothing would change"`,
    );
    expect(await edit("", "one")).toMatchInlineSnapshot(
      `"✗ old_string is empty: give the text to replace, or use write"`,
    );
    await hands.put("a.ts", "changed one\n");
    expect(await edit("one", "two")).toMatchInlineSnapshot(
      `"✗ a.ts changed since you read it: read it again"`,
    );
    expect(
      await hands.say("edit", { path: "gone.ts", old_string: "a", new_string: "b" }),
    ).toMatchInlineSnapshot(`"✗ gone.ts does not exist"`);
  });
});

describe("list, glob and grep", () => {
  beforeEach(async () => {
    await hands.put("src/a.ts", "export const a = 1;\n");
    await hands.put("src/in/b.ts", "export const b = 2;\n// hunter2\n");
  });

  test("show what there is", async () => {
    expect(await hands.say("list", {})).toMatchInlineSnapshot(`
      "src/
      src/a.ts
      src/in/"
    `);
    expect(await hands.say("list", { path: "src", depth: 1 })).toMatchInlineSnapshot(`
      "src/a.ts
      src/in/"
    `);
    expect(await hands.say("glob", { pattern: "**/*.ts" })).toMatchInlineSnapshot(`
      "src/a.ts
      src/in/b.ts"
    `);
    expect(
      await hands.say("grep", { pattern: "CONST [ab]", ignore_case: true }),
    ).toMatchInlineSnapshot(`
      "src/a.ts:1:export const a = 1;
      src/in/b.ts:1:export const b = 2;"
    `);
    expect(
      await hands.say("grep", { pattern: "const b", path: "src", glob: "*.ts", context: 1 }),
    ).toMatchInlineSnapshot(`
      "src/in/b.ts:1:export const b = 2;
      src/in/b.ts-2-// [redacted]"
    `);
  });

  test("say that there is nothing", async () => {
    expect(await hands.say("glob", { pattern: "*.ts" })).toMatchInlineSnapshot(
      `"no file matches *.ts; to look in all directories use **/*.ts"`,
    );
    expect(await hands.say("glob", { pattern: "src/*.md" })).toMatchInlineSnapshot(
      `"no file matches src/*.md"`,
    );
    expect(await hands.say("grep", { pattern: "nothing" })).toMatchInlineSnapshot(
      `"no line matches nothing"`,
    );
  });

  test("refuse in sentences", async () => {
    expect(await hands.say("list", { path: "lib" })).toMatchInlineSnapshot(
      `"✗ lib does not exist"`,
    );
    expect(await hands.say("list", { path: "src/a.ts" })).toMatchInlineSnapshot(
      `"✗ src/a.ts is not a directory"`,
    );
    expect(await hands.say("list", { depth: 99 })).toMatchInlineSnapshot(
      `"✗ list: depth must be a whole number from 1 to 10, not 99"`,
    );
    expect(await hands.say("glob", { pattern: "../*" })).toMatchInlineSnapshot(
      `"✗ the pattern leads out of the worktree: use one such as src/**/*.ts"`,
    );
    expect(await hands.say("grep", { pattern: "a(b" })).toMatchInlineSnapshot(`
      "✗ ripgrep refused the pattern: regex parse error:
          a(b
           ^
      error: unclosed group"
    `);
  });

  test("say how much a listing leaves out", async () => {
    for (let n = 0; n < 2010; n += 1) await hands.put(`many/f${n}`, "");
    expect((await hands.say("list", { path: "many" })).slice(-80)).toMatchInlineSnapshot(`
      "988
      many/f989
      many/f99
      [10 more not shown: name a directory, or a smaller depth]"
    `);
    expect((await hands.say("glob", { pattern: "many/*" })).slice(-80)).toMatchInlineSnapshot(`
      "ny/f987
      many/f988
      many/f989
      many/f99
      [10 more not shown: use a narrower pattern]"
    `);
  });
});
