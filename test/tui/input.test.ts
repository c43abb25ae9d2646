import fc from "fast-check";
import { expect, test } from "vitest";
import { type Input, InputParser } from "../../src/tui/input.ts";

const key = (name: string): Input => ({ type: "key", key: name });
const known: readonly (readonly [bytes: string, input: Input])[] = [
  ["j", key("j")],
  [" ", key("space")],
  ["\r", key("enter")],
  ["\u007f", key("backspace")],
  ["\u0010", key("C-p")],
  ["\u001b[A", key("up")],
  ["\u001bOB", key("down")],
  ["\u001b[5~", key("pageup")],
  ["\u001b[Z", key("S-tab")],
  ["\u001b[1;5C", key("right")],
  ["漢", key("漢")],
  ["😀", key("😀")],
  ["\u001b[200~a\r\u001b[Ab\u001b[201~", { type: "paste", text: "a\r\u001b[Ab" }],
  ["\u001b[<0;11;3M", { type: "mouse", does: "press", x: 10, y: 2 }],
  ["\u001b[<65;1;1M", { type: "mouse", does: "wheelDown", x: 0, y: 0 }],
];

test("several keys in one chunk are several keys, and a key in several chunks is one", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...known), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 30 }),
      (pressed, cuts) => {
        const parser = new InputParser();
        const units = [...pressed.map(([bytes]) => bytes).join("")];
        const heard: Input[] = [];
        for (const length of [...cuts, units.length]) {
          heard.push(...parser.feed(units.splice(0, length).join("")));
        }
        expect(heard).toEqual(pressed.map(([, input]) => input));
      },
    ),
  );
});

test("Escape alone is a key once nothing more comes", () => {
  const parser = new InputParser();
  expect(parser.feed("\u001b")).toEqual([]);
  expect(parser.isWaiting).toBe(true);
  expect(parser.flush()).toEqual([key("escape")]);
  expect(parser.feed("j")).toEqual([key("j")]);
});

test("Escape before a letter is two keys, and an unknown sequence is none", () => {
  expect(new InputParser().feed("\u001bj")).toEqual([key("escape"), key("j")]);
  expect(new InputParser().feed("\u001b[99Xj")).toEqual([key("j")]);
});

test("any bytes end in keys, and nothing is kept for ever", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const parser = new InputParser();
      parser.feed(text);
      parser.flush();
      expect(parser.isWaiting).toBe(false);
    }),
  );
});
