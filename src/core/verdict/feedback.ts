import { stripAnsi } from "./clean.ts";

/** What a command printed: both streams as they came, and each by itself. */
export interface Streams {
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
}

const headShare = 0.2;
const streamShare = 0.25;
const linesThatMatter = 5;

/**
 * What the next iteration reads of a failed validation, at most `charsMax` characters: a little
 * of the head, most of the tail, and the end of either stream that the other one drowned.
 */
export function feedback(streams: Streams, charsMax: number): string {
  const output = stripAnsi(streams.output).trimEnd();
  const lost = (["stdout", "stderr"] as const)
    .map((name) => ({ name, text: stripAnsi(streams[name]).trimEnd() }))
    .filter(({ text }) => text.trim() !== "" && !holdsEnd(shortened(output, charsMax), text));
  const sections = lost.map(({ name, text }) => {
    const heading = `\n\n--- the end of ${name} ---\n`;
    return heading + tail(text, Math.floor(charsMax * streamShare) - heading.length);
  });
  const rest = charsMax - sections.reduce((sum, section) => sum + section.length, 0);
  return (shortened(output, rest) + sections.join("")).slice(0, charsMax);
}

/** The kept text has the last lines of the stream, wherever the other stream split them. */
function holdsEnd(kept: string, stream: string): boolean {
  const lines = new Set(kept.split("\n"));
  const last = stream
    .slice(-4_000)
    .split("\n")
    .slice(stream.length > 4_000 ? 1 : 0);
  return last
    .filter((line) => line.trim() !== "")
    .slice(-linesThatMatter)
    .every((line) => lines.has(line) || kept.includes(line));
}

function shortened(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const markMax = 48;
  const room = charsMax - markMax;
  if (room < markMax) return tail(text, charsMax);
  const head = text.slice(0, headEnd(text, Math.floor(room * headShare)));
  const start = tailStart(text, room - head.length);
  const cut = text.slice(head.length, start).split("\n").length - 1;
  const mark = cut > 0 ? `… ${cut} ${cut === 1 ? "line" : "lines"} cut …` : "… cut …";
  return `${head.trimEnd()}\n${mark}\n${text.slice(start)}`;
}

function tail(text: string, charsMax: number): string {
  return charsMax <= 0 ? "" : text.slice(tailStart(text, charsMax));
}

/** After the last whole line that fits; within a line where a single one is too long. */
function headEnd(text: string, charsMax: number): number {
  const newline = text.lastIndexOf("\n", charsMax - 1);
  return newline > charsMax / 2 ? newline + 1 : codePointStart(text, charsMax);
}

function tailStart(text: string, charsMax: number): number {
  if (text.length <= charsMax) return 0;
  const start = text.length - charsMax;
  if (text[start - 1] === "\n") return start;
  const newline = text.indexOf("\n", start);
  if (newline !== -1 && newline + 1 < start + charsMax / 2) return newline + 1;
  return isLowSurrogate(text, start) ? start + 1 : start;
}

function codePointStart(text: string, index: number): number {
  return isLowSurrogate(text, index) ? index - 1 : index;
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
