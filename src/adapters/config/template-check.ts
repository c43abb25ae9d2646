import { didYouMean } from "../../core/did-you-mean.ts";
import type { RepositoryNeed } from "../../ports/repository-need.ts";
import { staysInside } from "./fields.ts";
import { parseTemplate } from "./parse-template.ts";
import { meant, type Problem, quoted } from "./problem.ts";
import { variableKinds } from "./prompt-values.ts";

/** How many arguments each helper takes, least and most. */
const helperArguments: Readonly<Record<string, readonly [number, number]>> = {
  fence: [1, 2],
  "git-diff": [0, 1],
  indent: [2, 2],
  json: [1, 1],
  "list-files": [0, 1],
  "read-file": [1, 1],
  truncate: [2, 2],
};
const needHelpers: readonly string[] = ["git-diff", "list-files", "read-file"];
const blocks = ["if", "unless", "each"];
const eachVariables = ["index", "first", "last"];
const problemsMax = 20;
const includesMax = 50;
const needsMax = 20;

/** Where partials are found. */
export interface PartialReader {
  read(name: string): { readonly file: string; readonly text: string } | null;
  names(): readonly string[];
}

type Call = hbs.AST.MustacheStatement | hbs.AST.SubExpression;

function isNeed(name: string): name is RepositoryNeed["helper"] {
  return needHelpers.includes(name);
}

/** What names mean at one place of a template. */
interface Scope {
  /** Inside `each` the context is one item of a list of texts. */
  readonly inEach: boolean;
  readonly blockParams: readonly string[];
  readonly outer: Scope | null;
}

const top: Scope = { inEach: false, blockParams: [], outer: null };

/** Looks at a template before anything is rendered, and at what it includes. */
export class TemplateCheck {
  readonly problems: Problem[] = [];
  /** What of the repository it wants to be told. */
  readonly needs: RepositoryNeed[] = [];
  /** Partials in it, by name. */
  readonly included = new Map<string, string>();
  readonly #variables: readonly string[];
  readonly #partial: PartialReader;
  #file: string;
  readonly #way: string[] = [];
  #uses = 0;

  constructor(file: string, parameters: readonly string[], partial: PartialReader) {
    this.#file = file;
    this.#variables = [...Object.keys(variableKinds), ...parameters.map((name) => `param.${name}`)];
    this.#partial = partial;
  }

  /** What its partials say takes their place in it. */
  program(program: hbs.AST.Program | undefined, scope: Scope = top): void {
    if (program === undefined) return;
    program.body = program.body.flatMap((statement) => {
      if (statement.type === "PartialStatement") {
        return this.#include(statement as hbs.AST.PartialStatement, scope);
      }
      this.#statement(statement, scope);
      return [statement];
    });
  }

  #include(statement: hbs.AST.PartialStatement, scope: Scope): hbs.AST.Statement[] {
    const name = String((statement.name as hbs.AST.PathExpression).original);
    const found = this.#partial.read(name);
    if (found === null) {
      const near = meant(didYouMean(name, this.#partial.names()));
      this.#refuse(statement.loc, `there is no partial ${quoted(name)}`, near);
      return [];
    }
    if (statement.params.length > 0 || statement.hash) {
      this.#refuse(statement.loc, "a partial takes no arguments: it sees what the template sees");
    }
    if (this.#way.includes(name)) {
      const circle = [...this.#way.slice(this.#way.indexOf(name)), name].join(" → ");
      this.#refuse(statement.loc, `partials include each other in a circle: ${circle}`);
      return [];
    }
    this.#uses += 1;
    if (this.#uses > includesMax) {
      this.#refuse(statement.loc, `more than ${includesMax} partials`);
      return [];
    }
    const { file, text } = found;
    const parsed = parseTemplate(file, text);
    if (!parsed.ok) {
      this.problems.push(parsed.problem);
      return [];
    }
    this.included.set(name, text);
    const outer = this.#file;
    this.#file = file;
    this.#way.push(name);
    this.program(parsed.program, scope);
    this.#way.pop();
    this.#file = outer;
    return parsed.program.body;
  }

  #statement(statement: hbs.AST.Statement, scope: Scope): void {
    switch (statement.type) {
      case "ContentStatement":
      case "CommentStatement":
        return;
      case "MustacheStatement":
        this.#call(statement as hbs.AST.MustacheStatement, scope);
        return;
      case "BlockStatement":
        this.#block(statement as hbs.AST.BlockStatement, scope);
        return;
      default:
        this.#refuse(statement.loc, "decorators and blocks of partials are not known here");
    }
  }

  #call(call: Call, scope: Scope): void {
    const path = call.path as hbs.AST.PathExpression;
    if (call.hash) this.#refuse(call.hash.loc, "named arguments are not known here");
    if (path.type !== "PathExpression") {
      this.#refuse(path.loc, "write the text itself, without {{ }}");
      return;
    }
    const isCall = call.params.length > 0 || call.type === "SubExpression";
    if (!isCall && !Object.hasOwn(helperArguments, path.original)) {
      this.#variable(path, scope);
      return;
    }
    const count = Object.hasOwn(helperArguments, path.original)
      ? helperArguments[path.original]
      : undefined;
    if (count === undefined) {
      const near = didYouMean(path.original, Object.keys(helperArguments));
      this.#refuse(path.loc, `unknown helper ${quoted(path.original)}`, meant(near));
    } else if (call.params.length < count[0] || call.params.length > count[1]) {
      const least = count[0] === count[1] ? "" : `${count[0]} to `;
      this.#refuse(path.loc, `${path.original} takes ${least}${count[1]} argument(s)`);
    }
    for (const param of call.params) this.#expression(param, scope);
    if (isNeed(path.original)) this.#need(path.original, call);
  }

  /** It is looked up before the template is rendered, so it cannot depend on what that finds. */
  #need(helper: RepositoryNeed["helper"], call: Call): void {
    const [argument] = call.params;
    if (argument !== undefined && argument.type !== "StringLiteral") {
      this.#refuse(argument.loc, `${helper} takes a text in quotes`);
      return;
    }
    const text = argument === undefined ? "" : (argument as hbs.AST.StringLiteral).value;
    if (text !== "" && !staysInside(text)) {
      this.#refuse(call.loc, `${helper}: ${quoted(text)} leads out of the repository`);
    } else if (this.needs.length >= needsMax) {
      this.#refuse(call.loc, `more than ${needsMax} looks at the repository`);
    } else this.needs.push({ helper, argument: text });
  }

  #block(block: hbs.AST.BlockStatement, scope: Scope): void {
    const { original, loc } = block.path;
    if (!blocks.includes(String(original))) {
      const near = meant(didYouMean(String(original), blocks));
      this.#refuse(loc, `unknown block ${quoted(original)}`, near);
      return;
    }
    if (block.hash) this.#refuse(block.hash.loc, "named arguments are not known here");
    const [subject, ...more] = block.params;
    if (subject === undefined || more.length > 0) {
      this.#refuse(loc, `#${original} takes 1 argument(s)`);
      return;
    }
    this.#expression(subject, scope);
    this.program(block.inverse, scope);
    if (original !== "each") {
      this.program(block.program, scope);
      return;
    }
    // Between equal items of two lists Handlebars would count `../` wrongly.
    if (scope.inEach) this.#refuse(loc, "#each cannot stand inside #each");
    if (this.#kind(subject) !== "list") this.#refuse(subject.loc, "#each takes a list");
    const blockParams = block.program?.blockParams ?? [];
    this.program(block.program, { inEach: true, blockParams, outer: scope });
  }

  #kind(subject: hbs.AST.Expression): string | null {
    if (subject.type !== "PathExpression") return null;
    const name = (subject as hbs.AST.PathExpression).parts.join(".");
    return Object.hasOwn(variableKinds, name)
      ? variableKinds[name as keyof typeof variableKinds]
      : null;
  }

  #expression(expression: hbs.AST.Expression, scope: Scope): void {
    if (expression.type === "PathExpression") {
      this.#variable(expression as hbs.AST.PathExpression, scope);
    } else if (expression.type === "SubExpression") {
      this.#call(expression as hbs.AST.SubExpression, scope);
    }
  }

  #variable(path: hbs.AST.PathExpression, scope: Scope): void {
    const names = visibleNames(path, scope, this.#variables);
    const name = path.parts.join(".");
    if (names === null) this.#refuse(path.loc, `${path.original} leads out of the template`);
    else if (!names.includes(name)) {
      const near = meant(didYouMean(name, names.filter(Boolean)));
      this.#refuse(path.loc, `unknown variable ${quoted(path.original)}`, near);
    }
  }

  #refuse(loc: hbs.AST.SourceLocation, message: string, suggestion: string | null = null): void {
    if (this.problems.length >= problemsMax) return;
    const { line, column } = loc.start;
    this.problems.push({ file: this.#file, line, column: column + 1, message, suggestion });
  }
}

/** What a path may name; "" is `this`. Null when `../` climbs past the top. */
function visibleNames(
  path: hbs.AST.PathExpression,
  scope: Scope,
  variables: readonly string[],
): readonly string[] | null {
  let here: Scope | null = scope;
  for (let depth = 0; depth < path.depth && here !== null; depth += 1) here = here.outer;
  if (here === null) return null;
  if (path.data) return path.depth === 0 && here.inEach ? eachVariables : [];
  const params: string[] = [];
  for (let at: Scope | null = path.depth === 0 ? here : null; at !== null; at = at.outer) {
    params.push(...at.blockParams);
  }
  return here.inEach ? ["", ...params] : [...variables, ...params];
}
