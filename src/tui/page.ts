/** Which text the detail has to show, and what must be fetched for it. */

import type { Effect, Model, Page, PageName, Step } from "./model.ts";
import { marksShown, noPage, selectedLoop, tabOf } from "./model.ts";
import { canFollow, scrolled } from "./move.ts";

interface Wanted {
  readonly key: string;
  readonly page: PageName;
  readonly ids: readonly string[];
  readonly iteration: number | null;
  /** Changes with what is shown: then it is fetched anew. */
  readonly revision: string;
}

/** After every message: the list scrolled, the page that is wanted asked for. */
export function settled(before: Model, { model, effects }: Step): Step {
  const shown = scrolled(model);
  const wanted = wantedPage(shown);
  const more = [...effects, ...arrival(before, shown)];
  if (wanted === null) {
    return { model: shown.page.key === "" ? shown : { ...shown, page: noPage() }, effects: more };
  }
  const { key, revision } = wanted;
  if (shown.page.key === key && shown.page.revision === revision) {
    return { model: shown, effects: more };
  }
  const page = pageFor(shown, key, revision);
  return { model: { ...shown, page }, effects: [...more, loadOf(wanted)] };
}

function loadOf({ key, page, ids, iteration }: Wanted): Effect {
  return { type: "load", key, page, ids, iteration };
}

/** The same page once more keeps what it shows until the new text is there. */
function pageFor(model: Model, key: string, revision: string): Page {
  if (model.page.key === key) return { ...model.page, revision };
  const page = { ...noPage(key), revision };
  return { ...page, follows: canFollow({ ...model, page }) };
}

function wantedPage(model: Model): Wanted | null {
  const { replay, view } = model;
  if (replay !== null) {
    const iteration = replay.known[replay.at] ?? null;
    const key = `replay|${replay.id}|${iteration ?? ""}`;
    return { key, page: "replay", ids: [replay.id], iteration, revision: "" };
  }
  if (view === "records" && model.isComparing) {
    const ids = marksShown(model);
    return { key: `compare|${ids.join("|")}`, page: "compare", ids, iteration: null, revision: "" };
  }
  const loop = selectedLoop(model);
  if (loop === null) return null;
  const tab = tabOf(model);
  const revision =
    tab === "graph"
      ? revisionBelow(model, loop.id)
      : `${loop.updatedAt}|${loop.status}|${loop.iteration}`;
  return { key: `${tab}|${loop.id}|`, page: tab, ids: [loop.id], iteration: null, revision };
}

/** A graph shows the states of all that is below, and of nothing else. */
function revisionBelow({ loops }: Model, root: string): string {
  return [...loops.values()]
    .filter(({ id }) => id === root || id.startsWith(`${root}.`))
    .map(({ id, status, blockedOn }) => `${id} ${status} ${blockedOn ?? ""}`)
    .join("|");
}

/** What a view needs once it comes on. */
function arrival(before: Model, { view, events }: Model): readonly Effect[] {
  if (view !== "events" || before.view === "events") return [];
  return [{ type: "events", from: events.next === 0 ? null : events.next }];
}
