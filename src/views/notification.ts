import type { Millis } from "../core/loop.ts";
import type { Notice, NoticeEvent } from "../core/notice.ts";
import { timeOf } from "./loop-view.ts";
import { plain } from "./plain.ts";

/** What is sent: everything that was gathered, as one. */
export interface Notification {
  readonly version: 1;
  /** The same again where the same was tried again. */
  readonly id: string;
  readonly at: string;
  readonly title: string;
  readonly text: string;
  readonly urgent: boolean;
  readonly counts: Readonly<Partial<Record<NoticeEvent, number>>>;
  /** The newest; `more` are not among them. */
  readonly items: readonly NotificationItem[];
  readonly more: number;
}

interface NotificationItem {
  readonly event: NoticeEvent;
  readonly at: string;
  /** Of the event in the log. */
  readonly seq: number | null;
  readonly loop: string | null;
  readonly title: string;
  readonly repo: string | null;
  readonly reason: string;
  readonly remedy: string;
}

export interface Gathered {
  readonly notices: readonly Notice[];
  /** What had no room any more. */
  readonly dropped: number;
  readonly id: string;
  readonly at: Millis;
}

const itemsMax = 50;
const linesMax = 8;
const titleCharsMax = 120;
const reasonCharsMax = 400;
const lineCharsMax = 200;

/** One and many: `50 loops failed`. */
const words: Readonly<Record<NoticeEvent, readonly [one: string, many: string]>> = {
  question: ["loop asks you", "loops ask you"],
  blocked: ["loop needs you", "loops need you"],
  failed: ["loop failed", "loops failed"],
  finished: ["is finished", "are finished"],
  approval: ["draft waits for approval", "drafts wait for approval"],
  budget: ["budget needs a look", "budgets need a look"],
  alert: ["critical alert", "critical alerts"],
  test: ["test", "tests"],
};
const urgent: readonly NoticeEvent[] = ["question", "blocked", "alert"];

/** Nothing of it acts on a screen, whatever a model has said; `redact` takes secrets out. */
export function notificationOf(
  { notices, dropped, id, at }: Gathered,
  redact: (text: string) => string,
): Notification {
  const counts: Partial<Record<NoticeEvent, number>> = {};
  for (const { event } of notices) counts[event] = (counts[event] ?? 0) + 1;
  const items = notices.slice(-itemsMax).map((notice) => itemOf(notice, redact));
  const more = notices.length - items.length + dropped;
  const lines = items.slice(-linesMax).map(lineOf);
  const rest = items.length - lines.length + more;
  return {
    version: 1,
    id,
    at: timeOf(at),
    title: titleOf(counts),
    text: [...lines, ...(rest > 0 ? [`… and ${rest} more`] : [])].join("\n"),
    urgent: notices.some(({ event }) => urgent.includes(event)),
    counts,
    items,
    more,
  };
}

function titleOf(counts: Notification["counts"]): string {
  const parts = Object.entries(words).flatMap(([event, [one, many]]) => {
    const count = counts[event as NoticeEvent] ?? 0;
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  return `TaskDaemon: ${parts.join(", ") || "nothing new"}`;
}

function itemOf(notice: Notice, redact: (text: string) => string): NotificationItem {
  const { event, at, seq, loop, title, repo, reason, remedy } = notice;
  const inert = (text: string, max: number) => cut(oneLine(redact(text)), max);
  return {
    event,
    at: timeOf(at),
    seq,
    loop,
    title: inert(title, titleCharsMax),
    repo,
    reason: inert(reason, reasonCharsMax),
    remedy,
  };
}

function lineOf({ loop, title, reason, remedy }: NotificationItem): string {
  const whose = loop === null ? "" : `${loop} ${title}: `;
  return `${cut(`${whose}${reason}`, lineCharsMax)} (${remedy})`;
}

function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, " ").trim();
}

function cut(text: string, max: number): string {
  const letters = [...text];
  return letters.length <= max ? text : `${letters.slice(0, max - 1).join("")}…`;
}
