import { Unicode11Addon } from "@xterm/addon-unicode11";
import { Terminal } from "@xterm/headless";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Screen } from "../../src/tui/screen.ts";
import { colours, marks } from "../../src/tui/style.ts";
import { painter } from "../../src/tui/theme.ts";

/** What every terminal is as wide as we think; joined emoji are not among it. */
const clusters = [
  ..."abcXYZ 019~",
  ..."éüß漢字写测한글",
  ..."●◌◆✗✓▌╭─╮│",
  "😀",
  "🚀",
  "e\u0301",
  "a\u0308",
];
const sequences = new RegExp(`${String.fromCharCode(27)}\\[[?\\d;]*[A-Za-z]`, "g");
const text = fc.array(fc.constantFrom(...clusters), { maxLength: 30 }).map((all) => all.join(""));
const styles = [0, colours.red, colours.dim | marks.bold, colours.cyan | marks.selected];
const put = fc.record({
  x: fc.integer({ min: 0, max: 39 }),
  y: fc.integer({ min: 0, max: 7 }),
  text,
  style: fc.constantFrom(...styles),
  isAnew: fc.boolean(),
});

function written(terminal: Terminal, sent: string): Promise<void> {
  return new Promise((resolve) => terminal.write(sent, resolve));
}

/** Cell by cell: what it holds, and how wide that is. */
function cellsOf(terminal: Terminal): string[] {
  const cells: string[] = [];
  for (let y = 0; y < terminal.rows; y += 1) {
    const line = terminal.buffer.active.getLine(y);
    for (let x = 0; x < terminal.cols; x += 1) {
      const cell = line?.getCell(x);
      cells.push(`${cell?.getWidth()}${cell?.getChars() || " "}${cell?.getFgColor()}`);
    }
  }
  return cells;
}

async function terminalOf(columns: number, rows: number): Promise<Terminal> {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = "11";
  await written(terminal, "\u001b[?7l");
  return terminal;
}

test("frame after frame of differences shows what one whole frame shows", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(put, { maxLength: 12 }), { maxLength: 8 }),
      async (frames) => {
        const [columns, rows] = [40, 8];
        const paint = painter("dark", 256);
        const screen = new Screen(columns, rows);
        const shown = await terminalOf(columns, rows);
        for (const frame of frames) {
          const whole = new Screen(columns, rows);
          for (const each of [screen, whole]) {
            each.clear();
            for (const { x, y, text: words, style } of frame) each.put(x, y, words, style);
          }
          const wanted = await terminalOf(columns, rows);
          await written(shown, screen.flush(paint));
          await written(wanted, whole.flush(paint));
          expect(cellsOf(shown)).toEqual(cellsOf(wanted));
          wanted.dispose();
        }
        shown.dispose();
      },
    ),
    { numRuns: 60 },
  );
});

test("what has not changed is not sent again", () => {
  const paint = painter("dark", 256);
  const screen = new Screen(80, 24);
  const draw = (words: string) => {
    screen.clear();
    screen.put(3, 5, words, colours.text);
    return screen.flush(paint);
  };
  draw("one two");
  expect(draw("one two")).toBe("");
  expect(draw("one six")).toBe("\u001b[?2026h\u001b[?25l\u001b[6;8H\u001b[0msix\u001b[?2026l");
});

test("no control character reaches the terminal, whatever is drawn", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (words) => {
      const screen = new Screen(60, 2);
      screen.put(0, 0, words, colours.text);
      const sent = screen.flush(() => "").replace(sequences, "");
      expect(sent).not.toMatch(/\p{Cc}/u);
    }),
    { numRuns: 500 },
  );
});

test("what is wide never crosses the edge it is given", () => {
  const screen = new Screen(10, 1);
  expect(screen.put(0, 0, "ab漢字", colours.text, 5)).toBe(4);
  expect(screen.put(9, 0, "漢", colours.text)).toBe(9);
});
