/** What is read of the selected loop: tabs, and the text of one of them. */
import { oneLine } from "../cli/text.ts";
import { drawFrame, frameStyle } from "./frame.ts";
import { inside, type Rect } from "./layout.ts";
import type { Model } from "./model.ts";
import { selectedLoop, tabOf, tabsOf } from "./model.ts";
import { topOf } from "./move.ts";
import type { Screen } from "./screen.ts";
import { colours, marks, type Span } from "./style.ts";
import { wrapped } from "./wrap.ts";

const tabWords = {
  documents: "Documents",
  graph: "Graph",
  output: "Output",
  diff: "Diff",
  verdict: "Verdict",
  cost: "Cost",
  why: "Why",
} as const;

export function drawDetail(screen: Screen, model: Model, rect: Rect): void {
  const style = frameStyle(model.pane === "detail");
  const { page } = model;
  const at = inside(rect);
  const rows = wrapped(page.lines, at.columns);
  const top = topOf(page, at);
  drawFrame(screen, rect, titleOf(model, rect.columns), {
    style,
    foot: footOf(model, rows.length, top, at),
  });
  if (rows.length === 0) {
    const words = page.key === "" ? "" : page.isLoading ? "…" : "Nothing yet.";
    screen.put(at.x + 1, at.y, words, colours.dim, at.x + at.columns);
    return;
  }
  const wanted = page.search.toLowerCase();
  for (let index = 0; index < at.rows; index += 1) {
    const line = rows[top + index];
    if (line === undefined) break;
    let x = at.x;
    for (const { text, style: own } of line) {
      x = screen.put(x, at.y + index, text, own, at.x + at.columns);
    }
    const isMatch =
      wanted !== "" &&
      line
        .map((span) => span.text)
        .join("")
        .toLowerCase()
        .includes(wanted);
    if (isMatch) screen.mark(at.x, at.y + index, at.x + at.columns, marks.selected);
  }
}

function footOf(model: Model, count: number, top: number, { rows }: Rect): string {
  const { page } = model;
  if (page.follows) return "follow ▼";
  return count > rows ? `${Math.min(100, Math.round(((top + rows) / count) * 100))} %` : "";
}

function titleOf(model: Model, columns: number): readonly Span[] {
  const { replay } = model;
  if (replay !== null) {
    const shown = replay.known[replay.at];
    const what = shown === 0 ? "before any work" : `iteration ${shown ?? "…"}`;
    const text = `replay ${replay.id} ─ ${what} (${replay.known.length} recorded, { } steps)`;
    return [{ text, style: marks.bold }];
  }
  if (model.isComparing) return [{ text: [...model.marks].join(" and "), style: marks.bold }];
  const loop = selectedLoop(model);
  if (loop === null) return [{ text: "nothing selected", style: colours.dim }];
  return [
    { text: `${oneLine(loop.id)} `, style: marks.bold },
    ...tabSpans(model, columns - loop.id.length),
  ];
}

/** All tabs, or on a narrow pane the one that is shown. */
function tabSpans(model: Model, room: number): readonly Span[] {
  const shown = tabOf(model);
  const tabs = tabsOf(model.view);
  const all = tabs.map((name) => (name === shown ? `[${tabWords[name]}]` : ` ${tabWords[name]} `));
  const isFitting = all.join("").length + tabRoom <= room;
  const spans = tabs.map((name, index) => ({
    text: all[index] ?? "",
    style: name === shown ? marks.bold | colours.cyan : colours.dim,
    isShown: name === shown,
  }));
  if (isFitting) return spans;
  const place = ` ${tabs.indexOf(shown) + 1}/${tabs.length}`;
  return [...spans.filter(({ isShown }) => isShown), { text: place, style: colours.dim }];
}

const tabRoom = 6;
