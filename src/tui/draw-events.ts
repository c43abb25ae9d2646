import { oneLine, pad } from "../cli/text.ts";
import type { FeedEvent } from "../protocol/door.ts";
import { eventRows } from "./event-rows.ts";
import { eventText } from "./event-text.ts";
import { drawFrame, frameStyle, putCut } from "./frame.ts";
import { inside, type Rect } from "./layout.ts";
import type { Model } from "./model.ts";
import type { Screen } from "./screen.ts";
import { colours, marks } from "./style.ts";

/** The log, a line each. */
export function drawEvents(screen: Screen, model: Model, rect: Rect): void {
  const { x, y, columns, rows } = inside(rect);
  const shown = eventRows(model.events);
  const { top, selected } = model.events;
  const last = Math.min(top + rows, shown.length);
  const foot = shown.length > rows ? `${top + 1}–${last} of ${shown.length}` : "";
  const title = [{ text: "events", style: marks.bold }];
  drawFrame(screen, rect, title, { style: frameStyle(true), foot });
  if (shown.length === 0) screen.put(x + 1, y, "Nothing has happened yet.", colours.dim);
  for (let index = top; index < last; index += 1) {
    const event = shown[index];
    if (event === undefined) continue;
    const row = y + index - top;
    drawEvent(screen, event, { x: x + 1, y: row, columns: columns - 1, rows: 1 });
    if (index !== selected) continue;
    screen.put(x, row, "▌", colours.cyan);
    screen.mark(x, row, x + columns, marks.selected);
  }
}

const seqColumns = 7;
const typeColumns = 19;
const wideColumns = 100;

function drawEvent(screen: Screen, event: FeedEvent, { x, y, columns }: Rect): void {
  const end = x + columns;
  const time =
    columns >= wideColumns ? event.at.replace("T", " ").slice(0, 19) : event.at.slice(11, 19);
  let at = screen.put(x, y, `${pad(String(event.seq), seqColumns, "right")}  `, colours.dim, end);
  at = screen.put(at, y, `${pad(oneLine(time), time.length)}  `, colours.dim, end);
  at = screen.put(at, y, `${pad(oneLine(event.type), typeColumns)} `, colours.cyan, end);
  at = screen.put(at, y, `${pad(oneLine(event.loop ?? "-"), 8)} `, marks.bold, end);
  putCut(screen, at, y, { text: eventText(event), style: colours.text }, end);
}
