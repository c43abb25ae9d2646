import { expect, test } from "vitest";
import { colours, type Line, plainLine } from "../../src/tui/style.ts";
import { wrapped } from "../../src/tui/wrap.ts";

const shown = (line: Line, columns: number) =>
  wrapped([line], columns).map((row) => row.map(({ text }) => text).join(""));

test.each([
  ["  next: td show 8, then approve", 20, ["  next: td show 8, ", "  then approve"]],
  ["- Each example is run", 14, ["- Each ", "  example is ", "  run"]],
  ["words beyond the edge", 12, ["words ", "beyond the ", "edge"]],
] as const)("%j goes on below what it belongs to", (text, columns, rows) => {
  expect(shown(plainLine(text), columns)).toEqual(rows);
});

test("what stands beside a label goes on beside it", () => {
  const line = [
    { text: "budget        ", style: colours.dim },
    { text: "plan 7: $0.22 of $10.00", style: colours.text },
  ];
  expect(shown(line, 36)).toEqual(["budget        plan 7: $0.22 of ", `${" ".repeat(14)}$10.00`]);
  for (const columns of [1, 2, 5, 10]) {
    const rows = shown(line, columns);
    expect(rows.join("").replaceAll(" ", "")).toBe("budgetplan7:$0.22of$10.00");
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(columns);
  }
});

test("a sentence with something marked in it has no label", () => {
  const line = [
    { text: "It is a ", style: colours.text },
    { text: "RangeError", style: colours.cyan },
    { text: " that says more", style: colours.text },
  ];
  const rows = wrapped([line], 20).map((row) => row.map(({ text }) => text).join(""));
  expect(rows.length).toBeGreaterThan(1);
  for (const row of rows.slice(1)) expect(row).toMatch(/^\S/);
});
