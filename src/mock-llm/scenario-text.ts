import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { checkScenario, type Scenario } from "./scenario.ts";

/** A scenario that cannot be used; each line of the message is `file:line:column: what`. */
export class ScenarioInvalid extends Error {}

/** Reads YAML or JSON. Throws ScenarioInvalid with all that is wrong, and where. */
export function readScenario(text: string, file: string): Scenario {
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const complaints = document.errors.map((error) => `${place(error.pos[0])}: ${error.message}`);
    throw new ScenarioInvalid(complaints.join("\n"));
  }
  const checked = checkScenario(document.toJS({ maxAliasCount: aliasesMax }) ?? {});
  if (checked.ok) return checked.scenario;
  const complaints = checked.complaints.map(({ path, message }) => {
    const what = path.length === 0 ? message : `${path.join(".")}: ${message}`;
    return `${place(offsetOf(document, path))}: ${what}`;
  });
  throw new ScenarioInvalid(complaints.join("\n"));
}

/** Takes a scenario that was made in code; the same rules hold for it. */
export function trustScenario(value: Scenario): Scenario {
  const checked = checkScenario(value);
  if (checked.ok) return checked.scenario;
  const complaints = checked.complaints.map(
    ({ path, message }) => `scenario: ${path.join(".")}: ${message}`,
  );
  throw new ScenarioInvalid(complaints.join("\n"));
}

const aliasesMax = 1000;

/** The deepest node that the path still reaches. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return isNode(document.contents) && document.contents.range ? document.contents.range[0] : 0;
}
