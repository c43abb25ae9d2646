// The program in a real terminal (tmux), and its screen as a picture.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";

const waitMsMax = 30_000;
const pollMs = 50;

export class Tmux {
  #socket;
  #env;

  /** A shell whose only child is `command`. */
  constructor({ place, cwd, env, columns, rows, command }) {
    this.#socket = join(place, `tmux-${randomUUID().slice(0, 8)}`);
    this.#env = { ...env, TERM: "xterm-256color" };
    const size = ["-x", String(columns), "-y", String(rows)];
    this.#tmux("-f", "/dev/null", "new-session", "-d", ...size, "-c", cwd, command);
    this.#tmux("set-option", "-g", "escape-time", "0");
  }

  #tmux(...args) {
    const options = { env: this.#env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    return execFileSync("tmux", ["-S", this.#socket, "-u", ...args], options);
  }

  keys(...names) {
    if (names.length > 0) this.#tmux("send-keys", ...names);
  }

  type(text) {
    this.#tmux("send-keys", "-l", "--", text);
  }

  text() {
    return this.#tmux("capture-pane", "-p");
  }

  /** The screen as the bytes that draw it. */
  painted() {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  /** Throws, with the screen, when the text does not come. */
  async until(wanted, waitMs = waitMsMax) {
    const end = Date.now() + waitMs;
    while (!this.text().includes(wanted)) {
      if (Date.now() > end) throw new Error(`"${wanted}" does not come:\n${this.text()}`);
      await setTimeout(pollMs);
    }
  }

  /** Until nothing has changed for a moment, but for what is always in motion. */
  async still(ms = 350) {
    const end = Date.now() + 3_000;
    for (let before = this.text(); Date.now() < end; ) {
      await setTimeout(ms);
      const now = this.text();
      if (now === before) return;
      before = now;
    }
  }

  close() {
    try {
      this.#tmux("kill-server");
    } catch {
      // It has ended by itself.
    }
  }
}

const cellWidth = 8;
const cellHeight = 17;
const fontSize = 13.3;
const baseline = 12.5;
const margin = 8;
const grounds = {
  dark: { back: "#11151a", text: "#e6edf3" },
  light: { back: "#ffffff", text: "#1b2129" },
};

/** What a terminal of this size shows after these bytes, as SVG: sharp, small, and text. */
export async function svgOf(painted, { columns, rows, theme }) {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = "11";
  const bytes = painted.trimEnd().split("\n").join("\r\n");
  await new Promise((resolve) => terminal.write(`\u001b[?7l${bytes}`, resolve));
  const ground = grounds[theme];
  const body = [];
  for (let y = 0; y < rows; y += 1) body.push(...rowOf(terminal, y, columns, ground));
  terminal.dispose();
  const width = columns * cellWidth + 2 * margin;
  const height = rows * cellHeight + 2 * margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="${fontSize}">
<rect width="${width}" height="${height}" rx="6" fill="${ground.back}"/>
<g transform="translate(${margin} ${margin})">
${body.join("\n")}
</g>
</svg>
`;
}

/** Backgrounds first, then runs of cells of one look. */
function rowOf(terminal, y, columns, ground) {
  const line = terminal.buffer.active.getLine(y);
  const cells = [];
  for (let x = 0; x < columns; x += 1) {
    const cell = line?.getCell(x);
    if (cell !== undefined && cell.getWidth() > 0) cells.push(lookOf(cell, x, ground));
  }
  const backs = runsOf(cells, (a, b) => a.back === b.back).filter(({ back }) => back !== null);
  const texts = runsOf(cells, isOneRun).filter(({ text }) => text.trim() !== "");
  return [
    ...backs.map(
      ({ x, width, back }) =>
        `<rect x="${x * cellWidth}" y="${y * cellHeight}" width="${width * cellWidth}" height="${cellHeight}" fill="${back}"/>`,
    ),
    ...texts.map((run) => drawn(run, y)),
  ];
}

function lookOf(cell, x, ground) {
  const fore = colourOf(cell.isFgRGB(), cell.isFgPalette(), cell.getFgColor()) ?? ground.text;
  const back = colourOf(cell.isBgRGB(), cell.isBgPalette(), cell.getBgColor());
  const isInverse = cell.isInverse() !== 0;
  return {
    x,
    width: cell.getWidth(),
    text: cell.getChars() || " ",
    fore: isInverse ? (back ?? ground.back) : fore,
    back: isInverse ? fore : back,
    isBold: cell.isBold() !== 0,
  };
}

function colourOf(isRgb, isPalette, value) {
  if (isPalette) throw new Error(`colour ${value} is not a true colour: is COLORTERM set?`);
  return isRgb ? `#${value.toString(16).padStart(6, "0")}` : null;
}

const plain = /^[\u0020-\u007e]$/;

/** Symbols stand alone, so that a strange font moves none but them. */
function isOneRun(a, b) {
  const isSame = a.fore === b.fore && a.isBold === b.isBold;
  return isSame && ((plain.test(a.last) && plain.test(b.text)) || (isLine(a) && isLine(b)));
}

const isLine = ({ text }) => /^─+$/u.test(text);

function runsOf(cells, belongs) {
  const runs = [];
  for (const cell of cells) {
    const run = runs.at(-1);
    if (run !== undefined && belongs(run, cell)) {
      run.text += cell.text;
      run.width += cell.width;
      run.last = cell.text;
    } else runs.push({ ...cell, last: cell.text });
  }
  return runs;
}

const middle = { x: cellWidth / 2, y: cellHeight / 2 };
const corner = middle.x;
/** Frames are drawn, for fonts leave gaps between rows. */
const strokes = {
  "│": `v${cellHeight}`,
  "╭": `m0 ${cellHeight}v${corner - middle.y}q0 ${-corner} ${corner} ${-corner}`,
  "╮": `m0 ${cellHeight}v${corner - middle.y}q0 ${-corner} ${-corner} ${-corner}`,
  "╰": `v${middle.y - corner}q0 ${corner} ${corner} ${corner}`,
  "╯": `v${middle.y - corner}q0 ${corner} ${-corner} ${corner}`,
};

function drawn({ x, width, text, fore, isBold }, y) {
  const left = x * cellWidth;
  const top = y * cellHeight;
  if (isLine({ text })) {
    return `<path d="M${left} ${top + middle.y}h${width * cellWidth}" stroke="${fore}"/>`;
  }
  if (text === "▌") {
    return `<rect x="${left}" y="${top}" width="${cellWidth / 2}" height="${cellHeight}" fill="${fore}"/>`;
  }
  const stroke = strokes[text];
  if (stroke !== undefined) {
    return `<path d="M${left + middle.x} ${top}${stroke}" stroke="${fore}" fill="none"/>`;
  }
  return wordsOf(text)
    .map((word) => textAt({ ...word, left, y: top + baseline, width, fore, isBold }))
    .join("");
}

/** Not every reader of SVG keeps more than one space. */
function wordsOf(text) {
  return [...text.matchAll(/\S+(?: \S+)*/gu)].map(({ 0: word, index }) => ({ word, index }));
}

function textAt({ word, index, left, y, width, fore, isBold }) {
  const isPlain = plain.test(word[0]);
  const columns = isPlain ? word.length : width;
  const fit = ` textLength="${columns * cellWidth}" lengthAdjust="spacingAndGlyphs"`;
  const bold = isBold ? ' font-weight="bold"' : "";
  const needsFit = columns > 1 || !isPlain;
  return `<text x="${left + index * cellWidth}" y="${y}" fill="${fore}"${bold}${needsFit ? fit : ""}>${escaped(word)}</text>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
