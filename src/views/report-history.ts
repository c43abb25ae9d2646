import type { Event, StatusChange } from "../core/events.ts";
import type { Loop, Millis } from "../core/loop.ts";
import { timeOf, type VerdictView, verdictView } from "./loop-view.ts";

/** What happened on the way, as the log tells it. */
export interface HistoryView {
  readonly iterations: readonly IterationRow[];
  readonly decisions: readonly Moment[];
  readonly questions: readonly QuestionAsked[];
  readonly conflicts: readonly Moment[];
  /** Begins where the log does: what compaction put away is not in it. */
  readonly isWhole: boolean;
}

interface IterationRow {
  readonly iteration: number;
  readonly attempt: number;
  readonly at: string;
  readonly verdict: VerdictView;
  readonly filesChanged: readonly string[];
}

export interface Moment {
  readonly at: string;
  readonly loop: string;
  readonly what: string;
  /** In somebody's words; null when there are none. */
  readonly words: string | null;
}

interface QuestionAsked {
  readonly at: string;
  readonly loop: string;
  readonly question: string;
  /** Null as long as nobody has. */
  readonly answer: string | null;
}

export type Happened = Event & { readonly at: Millis };

export function historyOf(loop: Loop, events: readonly Happened[]): HistoryView {
  const first = events.find((event) => event.loop === loop.id);
  return {
    iterations: events.flatMap((event) => (event.loop === loop.id ? iterationOf(event) : [])),
    decisions: events.flatMap(decisionOf),
    questions: questionsOf(events),
    conflicts: events.flatMap(conflictOf),
    isWhole: first?.type === "loop.created",
  };
}

function iterationOf(event: Happened): IterationRow[] {
  if (event.type !== "iteration.finished") return [];
  const { iteration, attempt, verdict, progress } = event.data;
  const view = verdictView(verdict);
  if (view === null) return [];
  const { filesChanged } = progress;
  return [{ iteration, attempt, at: timeOf(event.at), verdict: view, filesChanged }];
}

function decisionOf(event: Happened): Moment[] {
  const told = (what: string, words: string | null = null): Moment[] => [
    { at: timeOf(event.at), loop: event.loop ?? "", what, words },
  ];
  switch (event.type) {
    case "loop.status":
      return turnOf(event.data).flatMap((what) => told(what, wordsOf(event.data)));
    case "loop.rejected":
      return told("its documents were rejected", event.data.feedback);
    case "loop.edited":
      return told("its task was edited", event.data.title);
    case "loop.dropped":
      return told("it was taken out of its plan");
    case "loop.allowed":
      return told("a change of its gate was allowed", event.data.paths.join("\n"));
    case "loop.rolledBack":
      return told(`it was taken back to iteration ${event.data.to}`);
    case "loop.raised":
      return told("its limits were raised", JSON.stringify(event.data));
    case "loop.escalated":
      return told("it went on with another model", event.data.model);
    default:
      return [];
  }
}

/** What a change of status says of somebody's will; most say nothing. */
function turnOf({ from, to, by }: StatusChange): string[] {
  if (from === "draft" && to !== "stopped") return ["its documents were approved"];
  if (to === "paused" && by === undefined) return ["it was paused"];
  if (to === "stopped") return ["it was stopped"];
  if (to === "failed") return ["it was given up"];
  return from === "failed" && to === "pending" ? ["it was tried again"] : [];
}

function wordsOf({ to, reason }: StatusChange): string | null {
  return to === "stopped" || to === "failed" ? reason : null;
}

const asking: readonly (string | undefined)[] = ["question", "gate", "stuck"];

function questionsOf(events: readonly Happened[]): readonly QuestionAsked[] {
  const asked: QuestionAsked[] = [];
  for (const event of events) {
    if (event.type === "loop.status" && asksNow(event.data)) {
      const question = event.data.reason ?? "";
      asked.push({ at: timeOf(event.at), loop: event.loop, question, answer: null });
    }
    if (event.type !== "loop.answered") continue;
    const { question, answer } = event.data;
    const open = asked.findLastIndex((each) => each.loop === event.loop && each.answer === null);
    if (open === -1) asked.push({ at: timeOf(event.at), loop: event.loop, question, answer });
    else asked[open] = { ...(asked[open] as QuestionAsked), answer };
  }
  return asked;
}

function asksNow({ to, blockedOn }: StatusChange): boolean {
  return to === "blocked" && asking.includes(blockedOn);
}

function conflictOf(event: Happened): Moment[] {
  const told = (what: string, words: string | null): Moment[] => [
    { at: timeOf(event.at), loop: event.loop ?? "", what, words },
  ];
  if (event.type === "loop.rebased" && event.data.conflicts.length > 0) {
    return told("its work met changes of the same lines", event.data.conflicts.join("\n"));
  }
  if (event.type !== "loop.status" || event.data.blockedOn !== "conflict") return [];
  return told("a conflict held it up until a person helped", event.data.reason);
}
