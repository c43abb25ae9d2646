/** What an attached loop is doing: live events in, one line of text out. Pure. */
import type { LiveEvent } from "../ports.ts";
import type { LoopView } from "../views/loop-view.ts";
import { type Look, paint } from "./look.ts";
import { clock, cost, duration, short, tokens } from "./numbers.ts";
import { cut, oneLine, pad, width } from "./text.ts";

export interface Progress {
  readonly loop: string;
  readonly iteration: number;
  readonly iterationsMax: number;
  readonly startedAt: number;
  readonly stage: string | null;
  readonly detail: string | null;
  readonly turn: number;
  readonly tool: { readonly name: string; readonly summary: string } | null;
  readonly waiting: { readonly until: number; readonly reason: string } | null;
  readonly tokens: number;
  readonly costUsd: number | null;
}

export function begin({ id, iteration, maxIterations, usage }: LoopView, now: number): Progress {
  return {
    loop: id,
    iteration: iteration + 1,
    iterationsMax: maxIterations,
    startedAt: now,
    stage: null,
    detail: null,
    turn: 0,
    tool: null,
    waiting: null,
    tokens: usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
    costUsd: usage.costUsd,
  };
}

/** What an event changes; events of other loops change nothing. */
export function advance(before: Progress, event: LiveEvent): Progress {
  if (event.loop !== before.loop) return before;
  const isCount = event.type === "usage" || event.type === "call";
  const now = isCount ? before : { ...before, waiting: null };
  switch (event.type) {
    case "stage":
      return { ...now, ...staged(before, event), tool: null };
    case "turn":
      return { ...now, iteration: event.iteration, turn: event.turn, tool: null };
    case "tool":
      return { ...now, tool: { name: oneLine(event.name), summary: oneLine(event.summary) } };
    case "toolDone":
      return { ...now, tool: null };
    case "usage":
      return spent(now, event.usage);
    case "waiting":
      return { ...now, waiting: { until: event.until, reason: oneLine(event.reason) } };
    case "call":
    case "text":
    case "verdict":
    case "note":
      return now;
    default:
      return event satisfies never;
  }
}

function staged(
  { iteration, turn }: Progress,
  event: LiveEvent & { readonly type: "stage" },
): Partial<Progress> {
  // Delivery comes after the verdict and belongs to the iteration that was judged.
  const after = event.stage === "merging" || event.stage === "rebasing";
  return {
    iteration: after ? iteration : event.iteration,
    turn: event.stage === "working" ? 0 : turn,
    stage: event.stage,
    detail: event.detail === null ? null : oneLine(event.detail),
  };
}

function spent(before: Progress, usage: LoopView["usage"]): Progress {
  const { costUsd } = usage;
  return {
    ...before,
    tokens:
      before.tokens +
      usage.inputTokens +
      usage.outputTokens +
      usage.cacheReadTokens +
      usage.cacheWriteTokens,
    costUsd: before.costUsd === null || costUsd === null ? null : before.costUsd + costUsd,
  };
}

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const spinMs = 100;
const gap = "  ";

/** On a wider terminal the numbers would stand too far from what they belong to. */
const columnsMax = 110;

/** The status line at `now`, at most `room` wide: what matters least is cut first. */
export function statusLine(progress: Progress, now: number, room: number): string {
  const columns = Math.min(room, columnsMax);
  const elapsedMs = Math.max(0, now - progress.startedAt);
  const spin = spinner[Math.floor(elapsedMs / spinMs) % spinner.length] ?? "";
  const place = `${spin} ${progress.loop}${gap}${progress.iteration}/${progress.iterationsMax}`;
  const numbers = [`${tokens(progress.tokens)} tok`, cost(progress.costUsd), clock(elapsedMs)];
  const left = columns - width(place) - width(gap);
  for (let from = 0; from < numbers.length; from += 1) {
    const tail = numbers.slice(from).join(gap);
    const doingColumns = left - width(tail) - width(gap);
    if (doingColumns < doingColumnsMin && from < numbers.length - 1) continue;
    const doing = pad(doingText(progress, now), Math.max(0, doingColumns));
    return cut([place, doing, tail].filter((part) => part !== "").join(gap), columns);
  }
  return cut(place, columns);
}

const doingColumnsMin = 24;

function doingText(progress: Progress, now: number): string {
  const { stage, detail, turn, tool, waiting } = progress;
  if (waiting !== null) return `waiting ${clock(waiting.until - now)} ${waiting.reason}`;
  const parts = [detail === null ? (stage ?? "starting") : `${stage} ${detail}`];
  if (stage === "working" && turn > 0) parts.push(`turn ${turn}`);
  if (tool !== null) parts.push(`${tool.name} ${tool.summary}`.trimEnd());
  return parts.join(" · ");
}

/** The line of an event that stays on the screen, if it has one. `progress` knows of it already. */
export function lastingLine(
  event: LiveEvent,
  progress: Progress,
  verbose: boolean,
  look: Look,
): string | null {
  switch (event.type) {
    case "verdict":
      return judgedLine(event, progress, look);
    case "note":
      return fitted(`  ! ${oneLine(event.text)}`, look, "yellow");
    case "tool":
      return verbose ? fitted(`  ${oneLine(`${event.name} ${event.summary}`)}`, look, "dim") : null;
    case "toolDone":
      return verbose && event.isError
        ? fitted(`  ${oneLine(event.name)} returned an error to the model`, look, "yellow")
        : null;
    case "waiting":
      return look.width === null ? `  waiting: ${oneLine(event.reason)}` : null;
    default:
      return null;
  }
}

function judgedLine(
  { iteration, passed, detail }: LiveEvent & { readonly type: "verdict" },
  { stage, detail: where, iterationsMax }: Progress,
  look: Look,
): string {
  const result = oneLine(detail);
  if (stage === "preparing") return fitted(`· before any work: ${result}`, look, "dim");
  const place = `iteration ${iteration}/${iterationsMax}${where === null ? "" : ` ${where}`}`;
  return fitted(`${passed ? "✓" : "✗"} ${place}: ${result}`, look, passed ? "green" : "red");
}

/** `passed on 12ab34 (12 tests, 3.2 s)` */
export function verdictText(verdict: NonNullable<LoopView["verdict"]>): string {
  const { passed, exitCode, command, durationMs, commit, tests, note } = verdict;
  const outcome = exitCode === null ? "was killed" : `ended with exit code ${exitCode}`;
  const judged = passed ? `passed on ${short(commit)}` : outcome;
  const counted =
    tests === null
      ? []
      : [
          `${tests.ran} test${tests.ran === 1 ? "" : "s"}${tests.failed > 0 ? `, ${tests.failed} failed` : ""}`,
        ];
  const facts = [...counted, duration(durationMs)].join(", ");
  const noted = note === null ? "" : `; ${oneLine(note)}`;
  return `\`${oneLine(command)}\` ${judged} (${facts})${noted}`;
}

function fitted(line: string, look: Look, colour: Parameters<typeof paint>[1]): string {
  return paint(look, colour, look.width === null ? line : cut(line, look.width - 1));
}
