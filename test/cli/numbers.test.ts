import { expect, test } from "vitest";
import { age, clock, cost, duration, tokens } from "../../src/cli/numbers.ts";

const minute = 60_000;

test.each([
  [-5, "0 ms"],
  [12.4, "12 ms"],
  [94.9, "95 ms"],
  [950, "0.9 s"],
  [9_949, "9.9 s"],
  [9_950, "10 s"],
  [59_499, "59 s"],
  [59_600, "1:00"],
  [125_000, "2:05"],
  [3_725_000, "1:02:05"],
])("%d ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [7_000, "0:07"],
  [59 * minute + 59_600, "1:00:00"],
  [-1, "0:00"],
])("a clock of %d ms shows %s", (ms, text) => {
  expect(clock(ms)).toBe(text);
});

test.each([
  [-1_000, "0s"],
  [59_999, "59s"],
  [minute, "1m"],
  [90 * minute, "1h"],
  [49 * 60 * minute, "2d"],
])("%d ms ago is %s", (ms, text) => {
  expect(age(0, ms)).toBe(text);
});

test.each([
  [0, "0"],
  [999, "999"],
  [1_000, "1.0k"],
  [999_949, "999.9k"],
  [999_950, "1.00M"],
  [4_560_000, "4.56M"],
])("%d tokens are %s", (count, text) => {
  expect(tokens(count)).toBe(text);
});

test.each([
  [0, "$0.00"],
  [0.0042, "$0.0042"],
  [0.01, "$0.01"],
  [12.345, "$12.35"],
  [null, "cost unknown"],
])("%d dollars are %s", (usd, text) => {
  expect(cost(usd)).toBe(text);
});
