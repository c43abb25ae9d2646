/** The two lines above: where one is, what there is, what it costs, and what is the matter. */
import { clock, cost } from "../cli/numbers.ts";
import { cut, oneLine, width } from "../cli/text.ts";
import type { StatusView } from "../protocol/status.ts";
import { eventRows } from "./event-rows.ts";
import type { Model } from "./model.ts";
import { listOf, marksShown } from "./model.ts";
import type { Screen } from "./screen.ts";
import { shownFilter } from "./search.ts";
import { colours, marks, type Span } from "./style.ts";
import { columnsOfTab } from "./tabs.ts";

const gap = 2;

export function drawHeader(screen: Screen, model: Model): void {
  screen.put(0, 0, " td", marks.bold);
  let end = 0;
  for (const { x, text, view } of columnsOfTab(model)) {
    end = screen.put(x, 0, text, view === model.view ? marks.bold | colours.cyan : colours.text);
  }
  const room = screen.columns - end - gap - 1;
  // Where all is too long, words leave first, then numbers.
  const told = forms.map((form) => facts(model, form));
  const fitting = told.find((parts) => columnsOf(parts.slice(0, neededFacts)) <= room);
  drawRight(screen, 0, end + gap, fitting ?? told.at(-1) ?? []);
  drawSecond(screen, model);
}

/** At the right; what has no room leaves, the least wanted first. */
function drawRight(screen: Screen, y: number, from: number, parts: readonly Span[]): void {
  const room = screen.columns - from - 1;
  let shown = parts.filter(({ text }) => text !== "");
  while (shown.length > 0 && columnsOf(shown) > room) shown = shown.slice(0, -1);
  let at = screen.columns - 1 - columnsOf(shown);
  const [link, ...rest] = shown;
  // The first stands at the edge, where the eye finds it again.
  for (const { text, style } of link === undefined ? [] : [...rest, link]) {
    at = screen.put(at, y, text, style) + gap;
  }
}

function columnsOf(parts: readonly Span[]): number {
  const sum = parts.reduce((all, { text }) => all + width(text) + gap, 0);
  return Math.max(0, sum - gap);
}

interface Form {
  readonly hasComplete: boolean;
  readonly money: "worded" | "limited" | "bare";
}

const forms: readonly Form[] = [
  { hasComplete: true, money: "worded" },
  { hasComplete: true, money: "limited" },
  { hasComplete: false, money: "limited" },
  { hasComplete: false, money: "bare" },
];
/** The link, the counts and the money. */
const neededFacts = 3;

/** The most wanted first. */
function facts(model: Model, form: Form): readonly Span[] {
  const { status, now } = model;
  if (status === null) return [linkSpan(model)];
  return [
    linkSpan(model),
    countSpan(status, form),
    moneySpan(status, form),
    limitSpan(status, now),
  ].filter(({ text }) => text !== "");
}

function linkSpan({ link, held }: Model): Span {
  if (link === "connecting") return { text: "connecting", style: colours.yellow };
  if (link === "lost") return { text: "daemon gone", style: colours.red | marks.bold };
  if (held === null) return { text: "live", style: colours.green };
  return { text: "frozen", style: colours.yellow | marks.bold };
}

function countSpan({ loops }: StatusView, { hasComplete }: Form): Span {
  const count = (name: string) => loops[name] ?? 0;
  const needs = count("blocked") + count("draft");
  const parts = [
    `●${count("running")}`,
    `◌${count("pending")}`,
    `◆${needs}`,
    `✗${count("failed")}`,
    ...(hasComplete ? [`✓${count("complete")}`] : []),
  ];
  return { text: parts.join(" "), style: needs > 0 ? colours.magenta : colours.text };
}

function moneySpan({ budget }: StatusView, { money }: Form): Span {
  const { dayUsd, daySpentUsd } = budget;
  const limit = dayUsd === null || money === "bare" ? "" : `/${cost(dayUsd)}`;
  const isMost = dayUsd !== null && daySpentUsd >= dayUsd * warnShare;
  const text = `${cost(daySpentUsd)}${limit}${money === "worded" ? " today" : ""}`;
  return { text, style: isMost ? colours.yellow : colours.text };
}

const warnShare = 0.8;

/** The first provider that has calls wait, with how long. */
function limitSpan({ providers }: StatusView, now: number): Span {
  for (const { name, parkedUntil, breaker, nextTryAt } of providers) {
    const until = Date.parse(parkedUntil ?? nextTryAt ?? "");
    const left = Number.isNaN(until) ? "" : ` ${clock(Math.max(0, until - now))}`;
    if (parkedUntil !== null)
      return { text: `${oneLine(name)}: limited${left}`, style: colours.yellow };
    if (breaker !== "closed")
      return { text: `${oneLine(name)}: failing${left}`, style: colours.red };
  }
  return { text: "", style: colours.text };
}

function drawSecond(screen: Screen, model: Model): void {
  const { status } = model;
  const list = listOf(model);
  const filter = shownFilter(model);
  let x = 1;
  if (filter !== "") {
    x = screen.put(x, 1, `filter: ${oneLine(filter)}`, colours.yellow) + gap;
  }
  const alerts = status === null ? [] : alertsOf(status, model.questions.length);
  const told = linkWords(model) ?? alerts.join(" · ");
  const counted = countWords(model, list);
  const right = screen.columns - 1 - width(counted);
  if (right > x) screen.put(right, 1, counted, colours.dim);
  const end = right > x ? right - gap : screen.columns - 1;
  const isGrave = model.link === "lost" || status?.alerts[0]?.level === "critical";
  const style = isGrave ? colours.red | marks.bold : colours.yellow;
  if (x < end) screen.put(x, 1, cut(told, end - x), style, end);
}

function linkWords({ link }: Model): string | null {
  return link === "lost" ? "the daemon does not answer: waiting for it (td start)" : null;
}

/** What is not as it should be, the gravest first, and who needs a person: O3. */
export function alertsOf({ alerts, loops }: StatusView, questions: number): readonly string[] {
  const asking = questions > 0 ? questions : (loops["blocked"] ?? 0);
  return [
    ...alerts.map(({ text }) => oneLine(text)),
    ...(asking > 0 ? [`! ${asking} ${asking === 1 ? "loop needs" : "loops need"} you`] : []),
  ];
}

function countWords(model: Model, list: ReturnType<typeof listOf>): string {
  if (model.view === "events") {
    return `${eventRows(model.events).length} of ${model.events.events.length}`;
  }
  if (list === null) return "";
  const count = marksShown(model).length;
  const marked = count === 0 ? "" : `${count} marked · `;
  return `${marked}${list.rows.length} of ${model.loops.size} · sort: ${list.sort}`;
}
