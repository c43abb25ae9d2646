import { describe, expect, test } from "vitest";
import { loopColumns } from "../../src/cli/list.ts";
import { table } from "../../src/cli/table.ts";
import { width } from "../../src/cli/text.ts";
import { noUsage } from "../../src/core/loop.ts";
import { call } from "./call.ts";
import { complete, FakeProgram, loop, startedAt } from "./fake-program.ts";

const loops = [
  loop("1", { ...complete, title: "Make the tests pass" }),
  loop("2", {
    status: "running",
    title: "数据库迁移：把会话存储移动到数据库里面去，并删除旧的文件",
    type: "migration",
  }),
  loop("3", {
    status: "blocked",
    blockedOn: "question",
    title: "Add a 👨‍👩‍👧‍👦 family page 🇩🇪 with flags and cafe\u0301 names",
  }),
  loop("12.3.4", {
    status: "failed",
    reason: "no\u001b[2J more iterations",
    usage: { ...noUsage, costUsd: null },
  }),
  loop("13", { status: "paused", title: "two\nlines\tand a \u001b]0;title\u0007" }),
];

describe("a list fits the terminal", () => {
  const drawn = (columns: number | null) => {
    const text = table(loopColumns(startedAt + 7_200_000), loops, {
      colour: false,
      width: columns,
    });
    for (const line of text.split("\n")) expect(width(line)).toBeLessThanOrEqual(columns ?? 500);
    return `\n${text}\n`;
  };

  test("of 60 columns", () => {
    expect(drawn(60)).toMatchInlineSnapshot(`
      "
      ID      STATUS      ITER   COST  TITLE
      1       ✓ complete  2/10  $0.12  Make the tests pass
      2       ● running   0/10  $0.00  数据库迁移：把会话存储移动…
      3       ◆ blocked   0/10  $0.00  [question] Add a 👨‍👩‍👧‍👦 family…
      12.3.4  ✗ failed    0/10      ?  [no more iterations] Make …
      13      ◐ paused    0/10  $0.00  two lines and a
      "
    `);
  });

  test("of 90 columns", () => {
    expect(drawn(90)).toMatchInlineSnapshot(`
      "
      ID      STATUS      TYPE       ITER   COST  AGE  TITLE
      1       ✓ complete  ralph      2/10  $0.12   2h  Make the tests pass
      2       ● running   migration  0/10  $0.00   2h  数据库迁移：把会话存储移动到数据库里面去…
      3       ◆ blocked   ralph      0/10  $0.00   2h  [question] Add a 👨‍👩‍👧‍👦 family page 🇩🇪 with …
      12.3.4  ✗ failed    ralph      0/10      ?   2h  [no more iterations] Make the tests pass
      13      ◐ paused    ralph      0/10  $0.00   2h  two lines and a
      "
    `);
  });

  test("of 120 columns", () => {
    expect(drawn(120)).toMatchInlineSnapshot(`
      "
      ID      STATUS      TYPE       ITER   COST  AGE  TITLE
      1       ✓ complete  ralph      2/10  $0.12   2h  Make the tests pass
      2       ● running   migration  0/10  $0.00   2h  数据库迁移：把会话存储移动到数据库里面去，并删除旧的文件
      3       ◆ blocked   ralph      0/10  $0.00   2h  [question] Add a 👨‍👩‍👧‍👦 family page 🇩🇪 with flags and café names
      12.3.4  ✗ failed    ralph      0/10      ?   2h  [no more iterations] Make the tests pass
      13      ◐ paused    ralph      0/10  $0.00   2h  two lines and a
      "
    `);
  });

  test("of 25 columns", () => {
    expect(drawn(25)).toMatchInlineSnapshot(`
      "
      ID      STATUS      TITLE
      1       ✓ complete  Make…
      2       ● running   数据…
      3       ◆ blocked   [que…
      12.3.4  ✗ failed    [no …
      13      ◐ paused    two …
      "
    `);
  });

  test("and nothing is cut where there is none", () => {
    expect(drawn(null)).toMatchInlineSnapshot(`
      "
      ID      STATUS      TYPE       ITER   COST  AGE  TITLE
      1       ✓ complete  ralph      2/10  $0.12   2h  Make the tests pass
      2       ● running   migration  0/10  $0.00   2h  数据库迁移：把会话存储移动到数据库里面去，并删除旧的文件
      3       ◆ blocked   ralph      0/10  $0.00   2h  [question] Add a 👨‍👩‍👧‍👦 family page 🇩🇪 with flags and café names
      12.3.4  ✗ failed    ralph      0/10      ?   2h  [no more iterations] Make the tests pass
      13      ◐ paused    ralph      0/10  $0.00   2h  two lines and a
      "
    `);
  });
});

test("colours are for terminals, and NO_COLOR and --no-color take them away", async () => {
  const program = new FakeProgram(...loops);
  const terminal = { stdout: true, columns: 90 };
  const sequence = "\u001b[";
  expect((await call(program, ["list"], { terminal })).out).toContain(`${sequence}32m✓ complete`);
  expect((await call(program, ["list"])).out).not.toContain(sequence);
  expect((await call(program, ["list", "--no-color"], { terminal })).out).not.toContain(sequence);
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    expect((await call(program, ["list"], { terminal, env })).out).not.toContain(sequence);
  }
});

test("an empty list says what to do, on stderr", async () => {
  const { out, err } = await call(new FakeProgram(), ["list"]);
  expect(out).toBe("");
  expect(err).toBe('there are no loops yet: td run ralph "what is to be done"\n');
});
