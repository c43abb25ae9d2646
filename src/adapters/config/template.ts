import type { RepositoryNeed } from "../../ports/repository-need.ts";
import { createHandlebars, parseTemplate } from "./parse-template.ts";
import type { Problem } from "./problem.ts";
import { type PartialReader, TemplateCheck } from "./template-check.ts";
import { fence, indent, json, truncate } from "./template-helpers.ts";

export type Template = (values: object) => string;

export type CompiledTemplate =
  | {
      readonly ok: true;
      readonly render: Template;
      readonly needs: readonly RepositoryNeed[];
      /** The partials in it, by name. */
      readonly included: ReadonlyMap<string, string>;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface TemplateSurroundings {
  /** Names of the parameters of its type. */
  readonly parameters: readonly string[];
  readonly partials: PartialReader;
}

const alone: TemplateSurroundings = {
  parameters: [],
  partials: { read: () => null, names: () => [] },
};

const renderedCharsMax = 400_000;

const helpers = {
  fence,
  indent,
  json,
  truncate,
  "git-diff": lookedUp("git-diff"),
  "list-files": lookedUp("list-files"),
  "read-file": lookedUp("read-file"),
};
const knownHelpers = Object.fromEntries(Object.keys(helpers).map((name) => [name, true]));

/** Compiles a prompt; a name that is not known is a problem here, never an empty text later. */
export function compileTemplate(
  file: string,
  text: string,
  { parameters, partials }: TemplateSurroundings = alone,
): CompiledTemplate {
  const parsed = parseTemplate(file, text);
  if (!parsed.ok) return { ok: false, problems: [parsed.problem] };
  const check = new TemplateCheck(file, parameters, partials);
  check.program(parsed.program);
  if (check.problems.length > 0) return { ok: false, problems: check.problems };
  const compiled = createHandlebars(helpers).compile(parsed.program, {
    strict: true,
    noEscape: true,
    knownHelpers,
    knownHelpersOnly: true,
  });
  return {
    ok: true,
    needs: check.needs,
    included: check.included,
    render: (values) => truncate(compiled({ ...values }), renderedCharsMax),
  };
}

interface HelperOptions {
  readonly data: { readonly root: { readonly repository?: Readonly<Record<string, string>> } };
}

/** The engine has looked before; where it has not, there is nothing to say. */
function lookedUp(helper: RepositoryNeed["helper"]) {
  return (...given: unknown[]): string => {
    const options = given.at(-1) as HelperOptions;
    const argument = given.length > 1 ? String(given[0]) : "";
    return options.data.root.repository?.[`${helper} ${argument}`] ?? "";
  };
}
