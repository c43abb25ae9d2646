import { Buffer } from "node:buffer";
import type { Redact, TranscriptEntry } from "../../ports.ts";

/** Of each text in an entry; head and tail are kept. */
const textBytesMax = 256 * 1024;
/** Of a whole entry on disk; beyond it a tool call's input becomes one cut text. */
const entryBytesMax = 1024 * 1024;
const inputDepthMax = 64;

/** Ends a file that is full. The time is not known to whoever looks at a file's end: none. */
export const fullNote =
  '{"at":0,"type":"note","text":"transcript full: later entries were not kept"}\n';

export const unreadable: TranscriptEntry = {
  at: 0,
  type: "note",
  text: "a line that was cut short by a crash",
};

/** Every text redacted first and cut to size then, so that no cut leaves half a secret. */
export function cleanEntry(entry: TranscriptEntry, redact: Redact): TranscriptEntry {
  const clean = (text: string) => cutText(redact(text), textBytesMax);
  switch (entry.type) {
    case "prompt":
      return { ...entry, system: clean(entry.system), text: clean(entry.text) };
    case "reply":
      return { ...entry, text: clean(entry.text), stopReason: clean(entry.stopReason) };
    case "toolCall": {
      const named = { ...entry, id: clean(entry.id), name: clean(entry.name) };
      return { ...named, input: boundInput(cleanValue(entry.input, clean, 0)) };
    }
    case "toolResult":
      return { ...entry, id: clean(entry.id), text: clean(entry.text) };
    case "validation":
      return { ...entry, command: clean(entry.command), output: clean(entry.output) };
    case "note":
      return { ...entry, text: clean(entry.text) };
  }
}

export function lineOf(entry: TranscriptEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** At most `bytesMax` bytes and a line that says what is missing; cuts between characters. */
export function cutText(text: string, bytesMax: number): string {
  // No UTF-16 unit needs more than three bytes.
  if (text.length * 3 <= bytesMax) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  const half = Math.floor(bytesMax / 2);
  const headEnd = boundary(bytes, half);
  const tailStart = boundary(bytes, bytes.length - half + 3);
  const missing = tailStart - headEnd;
  return `${bytes.toString("utf8", 0, headEnd)}\n[… ${missing} bytes left out …]\n${bytes.toString("utf8", tailStart)}`;
}

/** The start of the character that `offset` lies in. */
function boundary(bytes: Buffer, offset: number): number {
  let start = offset;
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

function cleanValue(value: unknown, clean: (text: string) => string, depth: number): unknown {
  if (typeof value === "string") return clean(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= inputDepthMax) return "[nested too deep]";
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, clean, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [clean(key), cleanValue(item, clean, depth + 1)]),
  );
}

function boundInput(input: unknown): unknown {
  const text = JSON.stringify(input);
  if (text === undefined || text.length * 3 <= entryBytesMax) return input;
  return Buffer.byteLength(text) <= entryBytesMax ? input : cutText(text, textBytesMax);
}
