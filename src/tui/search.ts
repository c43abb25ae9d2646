/** Words in what is shown: the filter of a list, and matches in a page. */
import type { Model } from "./model.ts";
import { listOf } from "./model.ts";
import { moveList, pageRect, topOf } from "./move.ts";
import { wrapped } from "./wrap.ts";

/** The filter of the view that is shown. */
export function shownFilter(model: Model): string {
  if (model.view === "events") return model.events.filter;
  return listOf(model)?.filter ?? "";
}

/** Goes to the next row of a filtered list, or to the next line that has the words. */
export function nextMatch(model: Model, by: 1 | -1): Model {
  const rect = pageRect(model);
  const { page } = model;
  if (model.pane !== "detail" || rect === null || page.search === "") return moveList(model, by);
  const rows = wrapped(page.lines, rect.columns);
  const words = page.search.toLowerCase();
  const from = topOf(page, rect);
  for (let step = 1; step <= rows.length; step += 1) {
    const at = (from + by * step + rows.length * 2) % rows.length;
    const text = (rows[at] ?? []).map((span) => span.text).join("");
    if (text.toLowerCase().includes(words)) {
      return { ...model, page: { ...page, top: at, follows: false } };
    }
  }
  return model;
}
