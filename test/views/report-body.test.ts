import fc from "fast-check";
import { expect, test } from "vitest";
import { cutBody } from "../../src/views/report-body.ts";

test("a text that fits stays as it is; a longer one ends on a whole line, with a note", () => {
  expect(cutBody("one\ntwo\n", 8)).toBe("one\ntwo\n");
  const cut = cutBody(`${"a line\n".repeat(100)}the end\n`, 400);
  expect(cut.length).toBeLessThanOrEqual(400);
  expect(cut).toMatch(
    /^(?:a line\n)+\n_The report is too long .*`td report` shows all of it\._\n$/,
  );
});

test("whatever is cut, the note stands outside of any code block", () => {
  const line = fc.oneof(
    fc.constantFrom("```", "````text", "  ```", "```text", "`````"),
    fc.string({ maxLength: 20 }).map((text) => text.replace(/[`\n\r]/g, "x")),
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 60 }),
      fc.integer({ min: 150, max: 400 }),
      (lines, max) => {
        const text = `${lines.join("\n")}\n`;
        const cut = cutBody(text, max);
        expect(cut.length).toBeLessThanOrEqual(Math.max(max, text.length <= max ? text.length : 0));
        if (text.length <= max) return;
        expect(openAtNote(cut)).toBeNull();
        expect(cut).toContain("_The report is too long");
      },
    ),
  );
});

/** The ticks of the code block in which the note stands; null when it is in none. */
function openAtNote(text: string): string | null {
  let open: string | null = null;
  for (const line of text.split("\n")) {
    if (line.startsWith("_The report")) return open;
    const ticks = /^\s*(`{3,})/.exec(line)?.[1] ?? "";
    if (open === null && ticks !== "") open = ticks;
    else if (open !== null && ticks.length >= open.length) open = null;
  }
  return "no note";
}
