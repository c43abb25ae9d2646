/** Entries of a transcript as a person reads them. */
import type { Usage } from "../core/loop.ts";
import type { TranscriptEntry } from "../ports.ts";
import { replyWords } from "../views/reply-words.ts";
import { type Colour, type Look, paint } from "./look.ts";
import { cost, duration, short, tokenSum, tokens } from "./numbers.ts";
import { cut, oneLine, strip } from "./text.ts";

type Of<Type extends TranscriptEntry["type"]> = TranscriptEntry & { readonly type: Type };

const previewColumns = 160;
const inputValueColumns = 80;

/** One line an entry: what went on. */
export function logLine(entry: TranscriptEntry, look: Look): string {
  const time = new Date(entry.at).toISOString().slice(11, 19);
  const [colour, text] = brief(entry);
  const room = look.width === null ? previewColumns : look.width - time.length - 2;
  const fitted = cut(text, room);
  return `${paint(look, "dim", time)} ${colour === null ? fitted : paint(look, colour, fitted)}`;
}

function brief(entry: TranscriptEntry): readonly [Colour | null, string] {
  switch (entry.type) {
    case "prompt":
      return ["dim", `prompt (${entry.system.length + entry.text.length} characters)`];
    case "reply":
      return [
        null,
        `turn ${entry.turn}: ${oneLine(entry.text) || `(${replyWords(entry.stopReason)})`}`,
      ];
    case "toolCall":
      return ["cyan", `→ ${oneLine(entry.name)} ${inputText(entry.input)}`];
    case "toolResult":
      return entry.isError
        ? ["yellow", `← error: ${oneLine(entry.text)}`]
        : ["dim", `← ${oneLine(entry.text) || "(empty)"}`];
    case "validation":
      return [entry.exitCode === 0 ? "green" : "red", validationText(entry)];
    case "note":
      return ["yellow", `! ${oneLine(entry.text)}`];
    default:
      return entry satisfies never;
  }
}

function versionText(version: string | undefined): string {
  return version === undefined ? "" : ` (of version ${version} of its type)`;
}

/** The whole entry. */
export function replayText(entry: TranscriptEntry, look: Look): string {
  const head = (text: string, colour: Colour) => paint(look, colour, `── ${oneLine(text)}`);
  switch (entry.type) {
    case "prompt":
      return [
        head(`system prompt${versionText(entry.typeVersion)}`, "bold"),
        block(entry.system),
        head("prompt", "bold"),
        block(entry.text),
      ].join("\n");
    case "reply":
      return [
        head(
          `turn ${entry.turn}: the model (${replyWords(entry.stopReason)}, ${spent(entry.usage)})`,
          "bold",
        ),
        ...(entry.text === "" ? [] : [block(entry.text)]),
      ].join("\n");
    case "toolCall":
      return [head(`${entry.name}`, "cyan"), block(inputBlock(entry.input))].join("\n");
    case "toolResult": {
      const outcome = entry.isError ? "error" : "result";
      const title = head(
        `${outcome} (${duration(entry.durationMs)})`,
        entry.isError ? "yellow" : "dim",
      );
      return [title, block(entry.text)].join("\n");
    }
    case "validation":
      return [
        head(validationText(entry), entry.exitCode === 0 ? "green" : "red"),
        block(entry.output),
      ].join("\n");
    case "note":
      return head(`! ${entry.text}`, "yellow");
    default:
      return entry satisfies never;
  }
}

function validationText({ command, commit, where, exitCode, durationMs }: Of<"validation">) {
  const places = {
    baseline: "on the base commit",
    worktree: "in the worktree",
    fresh: "in a fresh worktree",
  } as const;
  const outcome = exitCode === null ? "was killed" : `exit code ${exitCode}`;
  return `validation ${places[where]} of ${short(commit)}: \`${oneLine(command)}\` ${outcome} (${duration(durationMs)})`;
}

function spent(usage: Usage): string {
  return `${tokens(tokenSum(usage))} tokens, ${cost(usage.costUsd)}`;
}

function block(text: string): string {
  const plain = strip(text).trimEnd();
  return plain === "" ? "   (empty)" : plain.replace(/^(?=.)/gm, "   ");
}

/** `path=src/a.ts limit=20` */
function inputText(input: unknown): string {
  if (typeof input !== "object" || input === null) return oneLine(JSON.stringify(input) ?? "");
  return Object.entries(input)
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
      return `${oneLine(name)}=${cut(oneLine(text), inputValueColumns)}`;
    })
    .join(" ");
}

function inputBlock(input: unknown): string {
  if (typeof input !== "object" || input === null) return JSON.stringify(input) ?? "";
  return Object.entries(input)
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
      return text.includes("\n") ? `${name}:\n${text.replace(/^/gm, "  ")}` : `${name}: ${text}`;
    })
    .join("\n");
}
