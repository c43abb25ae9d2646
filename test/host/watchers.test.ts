import { expect, test } from "vitest";
import { Watchers } from "../../src/host/watchers.ts";
import type { LiveEvent } from "../../src/ports.ts";
import { id } from "../given.ts";

const of = { loop: id("1"), iteration: 1 };
const turn: LiveEvent = { ...of, type: "turn", turn: 1, model: "sim/small" };
const call: LiveEvent = {
  ...of,
  type: "call",
  model: "m",
  outcome: "ok",
  beganMs: 1,
  durationMs: 2,
};
const text = (words: string): LiveEvent => ({ ...of, type: "text", text: words });

function heard(watchers: Watchers, loop: string | null): LiveEvent[] {
  const events: LiveEvent[] = [];
  watchers.add(loop, (event) => events.push(event));
  return events;
}

test("who comes into the middle of a sentence hears it from its beginning", () => {
  const watchers = new Watchers();
  for (const event of [turn, text("I read "), text("the par")]) watchers.tell(event);
  const events = heard(watchers, "1");
  watchers.tell(text("ser."));
  expect(events).toEqual([text("I read the par"), text("ser.")]);
  expect(heard(watchers, "2")).toEqual([]);
  expect(heard(watchers, null)).toEqual([]);
});

test("what was said before the turn under way is in the records, and not told again", () => {
  const watchers = new Watchers();
  for (const event of [turn, text("Done with it."), call]) watchers.tell(event);
  expect(heard(watchers, "1")).toEqual([]);
});

test("of a long speech the end is kept, from the beginning of a line", () => {
  const watchers = new Watchers();
  for (let line = 0; line < 5_000; line += 1) watchers.tell(text(`line ${line}\n`));
  const [first] = heard(watchers, "1");
  const said = first?.type === "text" ? first.text : "";
  expect(said.length).toBeLessThan(20_100);
  expect(said).toMatch(/^line \d+\n/);
  expect(said.endsWith("line 4999\n")).toBe(true);
});

test("what a loop is at is known, of the newest loops", () => {
  const watchers = new Watchers();
  const at = (loop: string, stage: "working" | "merging"): LiveEvent => ({
    ...{ loop: id(loop), iteration: 1 },
    ...{ type: "stage", stage, detail: null },
  });
  expect(watchers.stageOf("1")).toBe(null);
  for (const event of [at("1", "working"), text("words"), at("2", "merging")]) watchers.tell(event);
  expect(watchers.stageOf("1")).toBe("working");
  watchers.tell(at("1", "merging"));
  expect(watchers.stageOf("1")).toBe("merging");
  for (let n = 3; n <= 10_001; n += 1) watchers.tell(at(String(n), "working"));
  expect([watchers.stageOf("1"), watchers.stageOf("2")]).toEqual(["merging", null]);
});
