import fc from "fast-check";
import { expect as expectThat, test } from "vitest";
import {
  expect,
  firstExpectation,
  learn,
  plausible,
  tokensMax,
} from "../../src/core/expectation.ts";

test("a call that is like those before it is foreseen", () => {
  const real = { requests: 1, inputTokens: 100, outputTokens: 2_000 };
  let known = firstExpectation;
  for (let calls = 0; calls < 30; calls += 1) known = learn(known, 4_000, real);
  const { inputTokens, outputTokens } = expect(known, 8_000, 8_000);
  expectThat(Math.abs(inputTokens - 200)).toBeLessThan(5);
  expectThat(Math.abs(outputTokens - 2_000)).toBeLessThan(5);
});

test("no reply is foreseen longer than it may be", () => {
  expectThat(expect(firstExpectation, 100, 50)).toEqual({
    requests: 1,
    inputTokens: 25,
    outputTokens: 50,
  });
});

test("whatever a provider reports, what is foreseen is a bounded number", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), fc.double(), fc.double())), (told) => {
      let known = firstExpectation;
      for (const [bytes, input, output] of told) {
        const real = {
          requests: 1,
          inputTokens: plausible(input),
          outputTokens: plausible(output),
        };
        known = learn(known, bytes, real);
      }
      const { inputTokens, outputTokens } = expect(known, 1_000, tokensMax);
      expectThat(inputTokens).toBeGreaterThanOrEqual(0);
      expectThat(inputTokens).toBeLessThanOrEqual(2_000);
      expectThat(outputTokens).toBeGreaterThanOrEqual(0);
      expectThat(outputTokens).toBeLessThanOrEqual(tokensMax);
    }),
  );
});
