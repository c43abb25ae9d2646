import { exitCodes } from "../protocol/errors.ts";
import type { TypeExplanation, TypeSummary, TypeTestView } from "../protocol/program.ts";
import { type Look, paint } from "./look.ts";
import type { Session } from "./session.ts";
import { type Column, table } from "./table.ts";
import { oneLine, pad, strip, width } from "./text.ts";

const columns: readonly Column<TypeSummary>[] = [
  { head: "TYPE", cell: ({ name }) => oneLine(name) },
  { head: "FROM", cell: ({ origin }) => oneLine(origin), rank: 1 },
  { head: "DESCRIPTION", cell: ({ description }) => oneLine(description), columnsMin: 20 },
];

/** `td types list` */
export async function listTypes(session: Session): Promise<number> {
  const types = await session.world.program.types(session.place);
  if (session.json) session.printJson(types);
  else session.print(table(columns, types, session.look));
  return exitCodes.done;
}

/** `td types show NAME`: the definition as written. */
export async function showType(session: Session, name: string): Promise<number> {
  const type = await session.world.program.type(session.place, name);
  const { origin, version, description, text } = type;
  if (session.json) session.printJson({ name, description, origin, version, text });
  else session.print(strip(text).trimEnd());
  return exitCodes.done;
}

/** `td types explain NAME`: each value with where it came from, and what the prompts become. */
export async function explainType(session: Session, name: string): Promise<number> {
  const { text: _, ...type } = await session.world.program.type(session.place, name);
  if (session.json) session.printJson(type);
  else session.print(explanationText(type, session.look));
  return exitCodes.done;
}

/** `td types test [DIR]` */
export async function testTypes(session: Session, directory: string | undefined): Promise<number> {
  const tell = ({ name, problems }: TypeTestView) => {
    if (session.json) return;
    session.print(`${problems.length === 0 ? "✓" : "✗"} ${oneLine(name)}`);
    for (const problem of problems) session.print(`    ${oneLine(problem)}`);
  };
  const { program } = session.world;
  const views = await program.testTypes(session.place, directory ?? null, tell);
  if (session.json) session.printJson(views);
  const isFailed = views.some(({ problems }) => problems.length > 0);
  return isFailed ? exitCodes.failed : exitCodes.done;
}

function explanationText(type: TypeExplanation, look: Look): string {
  const { name, description, version, origin, overrides, bases, values, system, prompt } = type;
  const keyColumns = Math.max(0, ...values.map(({ key }) => width(oneLine(key))));
  return [
    `${paint(look, "bold", oneLine(name))}  ${oneLine(description)}`,
    `version ${oneLine(version)}, from ${oneLine(origin)}`,
    ...(overrides === null ? [] : [`it takes the place of ${oneLine(overrides)}`]),
    ...(bases.length === 0 ? [] : [`made from ${oneLine(bases.join(", "))}`]),
    "",
    ...values.map(({ key, value, from }) => {
      const shown = oneLine(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
      return `${pad(oneLine(key), keyColumns)}  ${shown}  ${paint(look, "dim", `# ${oneLine(from)}`)}`;
    }),
    "",
    paint(look, "bold", "── system prompt (sample values) ──"),
    strip(system).trimEnd(),
    "",
    paint(look, "bold", "── prompt (sample values) ──"),
    strip(prompt).trimEnd(),
  ].join("\n");
}
