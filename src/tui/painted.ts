/** What the command line paints, as lines of a screen. */
import { colours, type Line, marks, type Span, type Style } from "./style.ts";

/** Its colours alone: what else was in the text is stripped before it is painted. */
const painting = new RegExp(`${String.fromCharCode(27)}\\[(\\d{1,2})m`);

const styles: Readonly<Record<string, Style>> = {
  "2": colours.dim,
  "31": colours.red,
  "32": colours.green,
  "33": colours.yellow,
  "34": colours.blue,
  "35": colours.magenta,
  "36": colours.cyan,
};

export function paintedLines(text: string): readonly Line[] {
  let style: Style = colours.text;
  return text.split("\n").map((line) => {
    const spans: Span[] = [];
    for (const [index, piece] of line.split(painting).entries()) {
      if (index % 2 === 1) style = styleAfter(style, piece);
      else if (piece !== "") spans.push({ text: piece, style });
    }
    return spans;
  });
}

function styleAfter(style: Style, code: string): Style {
  if (code === "1") return style | marks.bold;
  const bold = style & marks.bold;
  if (code === "22") return colours.text;
  return (styles[code] ?? colours.text) | bold;
}
