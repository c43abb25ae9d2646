import { expect, test } from "vitest";
import { didYouMean } from "../../src/core/did-you-mean.ts";

const keys = ["max", "max-turns", "timeout", "success-exit-code"];

test.each([
  ["max-turn", "max-turns"],
  ["maxTurns", "max-turns"],
  ["max_turns", "max-turns"],
  ["tiemout", "timeout"],
  ["succes-exit-code", "success-exit-code"],
  ["Max", "max"],
  ["success", "success-exit-code"],
])("%s was meant to be %s", (word, candidate) => {
  expect(didYouMean(word, keys)).toBe(candidate);
});

test.each(["", "-", "colour", "x", "minimum", "su", "t".repeat(100_000)])(
  "%.20s is near nothing",
  (word) => {
    expect(didYouMean(word, keys)).toBeNull();
  },
);

test("takes the nearest, and of equals the first", () => {
  expect(didYouMean("loop", ["loops", "loop"])).toBe("loop");
  expect(didYouMean("lops", ["loops", "laps"])).toBe("loops");
});
