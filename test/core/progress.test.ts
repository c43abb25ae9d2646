import fc from "fast-check";
import { expect, test } from "vitest";
import { baselineText, progressText } from "../../src/core/progress.ts";
import { progress, verdict } from "../given.ts";

test("tells every iteration, the newest last", () => {
  expect(
    progressText([progress(1, { filesChanged: [] }), progress(2)], 1_000),
  ).toMatchInlineSnapshot(`
      "### Iteration 1: validation exit code 1 after 1.5 s; no file changed
      red 1

      ### Iteration 2: validation exit code 1 after 1.5 s; changed a.txt
      red 2"
    `);
});

test("a failure seen before is named, not repeated", () => {
  const same = { fingerprint: "f", feedback: "the same long failure" };
  const text = progressText([progress(1, same), progress(2, same), progress(3)], 1_000);
  expect(text).toMatchInlineSnapshot(`
    "### Iteration 1: validation exit code 1 after 1.5 s; changed a.txt
    Same failure as in iteration 2.

    ### Iteration 2: validation exit code 1 after 1.5 s; changed a.txt
    the same long failure

    ### Iteration 3: validation exit code 1 after 1.5 s; changed a.txt
    red 3"
  `);
});

test("older ones are shortened first, then left out", () => {
  const entries = [1, 2, 3].map((n) => progress(n, { feedback: `${n}`.repeat(100) }));
  const text = progressText(entries, 320);
  expect(text).toContain("3".repeat(100));
  expect(text).not.toContain("2".repeat(100));
  expect(text).toContain("### Iteration 2:");
  expect(progressText(entries, 170)).not.toContain("Iteration 2");
});

const entries = fc.array(
  fc.record({
    feedback: fc.string({ maxLength: 400 }),
    filesChanged: fc.array(fc.string({ maxLength: 80 }), { maxLength: 50 }),
    fingerprint: fc.constantFrom("a", "b", "c"),
    exitCode: fc.option(fc.nat(255)),
  }),
  { maxLength: 20 },
);

test("is never longer than asked for, and always has the newest iteration", () => {
  fc.assert(
    fc.property(entries, fc.integer({ min: 100, max: 3_000 }), (all, charsMax) => {
      const text = progressText(
        all.map((more, index) => progress(index + 1, more)),
        charsMax,
      );
      expect(text.length).toBeLessThanOrEqual(charsMax);
      if (all.length > 0) expect(text).toContain(`### Iteration ${all.length}:`);
    }),
  );
});

test("says what the command did on the base commit", () => {
  const evidence = { runner: "vitest", ran: 12, failed: 3, skipped: 0 };
  expect(baselineText(null)).toBe("");
  expect(baselineText(verdict({ passed: true }))).toBe(
    "On the base commit the validation command passes.",
  );
  expect(baselineText(verdict({ evidence }))).toBe(
    "On the base commit the validation command already fails (12 tests, 3 failed).",
  );
});
