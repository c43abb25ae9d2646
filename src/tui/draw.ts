/** The screen as a function of the model. */
import { width } from "../cli/text.ts";
import { isTyping } from "./chat-update.ts";
import { drawChat, typingHints } from "./draw-chat.ts";
import { drawDetail } from "./draw-detail.ts";
import { drawEvents } from "./draw-events.ts";
import { drawList } from "./draw-list.ts";
import { drawAsk, drawOverlay } from "./draw-overlay.ts";
import { putCut } from "./frame.ts";
import { drawHeader } from "./header.ts";
import { type Action, actions, bindingOf, keyName } from "./keys.ts";
import { layoutOf } from "./layout.ts";
import type { Model } from "./model.ts";
import { isList } from "./model.ts";
import type { Screen } from "./screen.ts";
import { colours, marks } from "./style.ts";

export function draw(screen: Screen, model: Model): void {
  screen.clear();
  drawHeader(screen, model);
  const { list, detail, hints } = layoutOf(model);
  if (list !== null) {
    if (model.view === "chat") drawChat(screen, model);
    else if (model.view === "events") drawEvents(screen, model, list);
    else drawList(screen, model, list);
  }
  if (detail !== null) drawDetail(screen, model, detail);
  if (model.overlay?.type === "ask") drawAsk(screen, model.overlay, hints.y);
  else drawHints(screen, model, hints.y);
  drawOverlay(screen, model);
}

/** What happened just now, or else what one can do here. */
function drawHints(screen: Screen, model: Model, y: number): void {
  const { notice } = model;
  if (notice !== null) {
    const style = notice.isError ? colours.red | marks.bold : colours.yellow;
    putCut(screen, 1, y, { text: notice.text, style }, screen.columns - 1);
    return;
  }
  let x = 1;
  for (const { keys, hint } of isTyping(model) ? typingHints : hintsOf(model)) {
    const columns = width(keys) + 1 + hint.length;
    if (x + columns >= screen.columns) continue;
    x = screen.put(x, y, keys, marks.bold) + 1;
    x = screen.put(x, y, hint, colours.dim) + 2;
  }
}

interface Hint {
  readonly keys: string;
  readonly hint: string;
}

/** In order of need: those at the end leave first, help and leave never. */
function hintsOf(model: Model): readonly Hint[] {
  const named = actions.filter((action) => bindingOf(action).hint !== undefined);
  const fixed: readonly Action[] = ["help", "palette", "quit"];
  const others = named.filter((action) => !fixed.includes(action) && fits(model, action));
  return [...fixed, ...others].map((action) => ({
    keys: keysOf(model, action),
    hint: bindingOf(action).hint ?? "",
  }));
}

function fits(model: Model, action: Action): boolean {
  const { where } = bindingOf(action);
  if (where === "chat") return model.view === "chat";
  return where === "everywhere" || isList(model.view);
}

function keysOf(model: Model, action: Action): string {
  if (action === "down") {
    return `${keyName(model.keys.down[0] ?? "")}/${keyName(model.keys.up[0] ?? "")}`;
  }
  return keyName(model.keys[action][0] ?? "");
}
