/** What goes by in a loop, as lines. */
import { duration } from "../cli/numbers.ts";
import { oneLine, strip } from "../cli/text.ts";
import type { LiveEvent } from "../ports.ts";
import type { Page } from "./model.ts";
import { colours, type Line, plainLine, type Style } from "./style.ts";

const linesMax = 5_000;
const textCharsMax = 20_000;

/** What the key of a page begins with that shows this loop's output. */
export function liveKeyOf(loop: string): string {
  return `output|${loop}|`;
}

/** In a few words: what a loop did last. */
export function stepText(event: LiveEvent): string {
  switch (event.type) {
    case "stage":
      return event.detail === null ? event.stage : `${event.stage} ${oneLine(event.detail)}`;
    case "tool":
      return oneLine(`${event.name} ${event.summary}`);
    case "verdict":
      return oneLine(event.detail);
    case "waiting":
      return `waits: ${oneLine(event.reason)}`;
    case "note":
      return oneLine(event.text);
    case "turn":
      return `turn ${event.turn}`;
    default:
      return "";
  }
}

/** The page with what came, at its end. */
export function appended(page: Page, events: readonly LiveEvent[]): Page {
  const lines = [...page.lines];
  let { said } = page;
  for (const event of events) {
    if (event.type === "text") {
      addText(lines, event.text, said !== null);
      said = ((said ?? "") + event.text).slice(-textCharsMax);
      continue;
    }
    const line = lineOf(event);
    if (event.type !== "usage") said = null;
    if (line !== null) lines.push(line);
  }
  return { ...page, lines: lines.slice(-linesMax), said };
}

/** The page as it was read; what the model writes at this moment is in no record yet. */
export function loaded(page: Page, read: Page["lines"]): Page {
  const lines = [...read];
  if (page.said !== null) addText(lines, page.said, false);
  return { ...page, lines, isLoading: false };
}

/** The model's words come in crumbs: they go on where the last one ended. */
function addText(lines: Line[], text: string, isOpen: boolean): void {
  const [first = "", ...more] = strip(text).slice(0, textCharsMax).split("\n");
  if (isOpen)
    lines.push(
      plainLine(
        lines
          .pop()
          ?.map((span) => span.text)
          .join("") + first,
      ),
    );
  else lines.push(plainLine(first));
  for (const each of more) lines.push(plainLine(each));
}

function lineOf(event: LiveEvent): Line | null {
  switch (event.type) {
    case "tool":
      return plainLine(`→ ${oneLine(event.name)} ${oneLine(event.summary)}`, colours.cyan);
    case "toolDone": {
      const style: Style = event.isError ? colours.yellow : colours.dim;
      const outcome = event.isError ? "failed" : "done";
      return plainLine(
        `← ${oneLine(event.name)} ${outcome} (${duration(event.durationMs)})`,
        style,
      );
    }
    case "verdict": {
      const style = event.passed ? colours.green : colours.red;
      return plainLine(`${event.passed ? "✓" : "✗"} ${oneLine(event.detail)}`, style);
    }
    case "stage":
    case "waiting":
    case "note":
      return plainLine(`· ${stepText(event)}`, colours.dim);
    default:
      return null;
  }
}
