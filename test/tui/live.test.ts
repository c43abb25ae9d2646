import { expect, test } from "vitest";
import type { LiveEvent } from "../../src/ports.ts";
import { appended, loaded } from "../../src/tui/live.ts";
import { noPage, type Page } from "../../src/tui/model.ts";
import { plainLine } from "../../src/tui/style.ts";
import { id } from "../given.ts";

const of = { loop: id("1"), iteration: 1 };
const text = (words: string): LiveEvent => ({ ...of, type: "text", text: words });
const turn: LiveEvent = { ...of, type: "turn", turn: 2, model: "sim/small" };
const shown = ({ lines }: Page) => lines.map((line) => line.map((span) => span.text).join(""));
const record = [plainLine("turn 1: I read it all.")];

test("what is written while the record is read is not lost, and goes on below it", () => {
  const before = appended(noPage("output|1|"), [text("Now I ch"), text("ange\n")]);
  const page = appended(loaded(before, record), [text("a line.")]);
  expect(shown(page)).toEqual(["turn 1: I read it all.", "Now I change", "a line."]);
});

test("a turn that has ended is in the record, and begins no line of the next", () => {
  const before = appended(noPage("output|1|"), [text("I read it all."), turn]);
  expect(shown(loaded(before, record))).toEqual(["turn 1: I read it all."]);
  expect(shown(appended(before, [text("Next.")]))).toEqual(["I read it all.", "Next."]);
});
