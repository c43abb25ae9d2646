import { expect, test } from "vitest";
import { questions } from "../../src/views/questions.ts";
import { given, loop } from "../given.ts";

test("the inbox has who waits for a word, what holds up most first, then what waited longest", () => {
  const asks = (line: string, updatedAt: number) => loop(line, { updatedAt, reason: "which?" });
  const state = given(
    asks("1 blocked on question", 5),
    asks("2 blocked on gate", 9),
    asks("3 blocked on stuck", 3),
    "4 blocked on budget",
    "5 pending after 2",
    "6 pending after 5",
    "7 complete after 3",
    "8 delegated",
    asks("8.1 blocked on question", 9),
    "9 pending after 8",
    "10 pending after 9",
  );
  expect(questions(state).map(({ id, about, holdsUp }) => [id, about, holdsUp])).toEqual([
    ["8.1", "question", 3],
    ["2", "gate", 2],
    ["3", "stuck", 0],
    ["1", "question", 0],
  ]);
  expect(questions(given("1 running"))).toEqual([]);
});
