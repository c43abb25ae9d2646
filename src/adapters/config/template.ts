import Handlebars from "handlebars";
import { didYouMean } from "../../core/did-you-mean.ts";
import { meant, type Problem, quoted } from "./problem.ts";
import { variableKinds } from "./prompt-values.ts";
import { fence, indent, json, truncate } from "./template-helpers.ts";

export type Template = (values: object) => string;

export type CompiledTemplate =
  | { readonly ok: true; readonly render: Template }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** How many arguments each helper takes, least and most. */
const helperArguments: Readonly<Record<string, readonly [number, number]>> = {
  fence: [1, 2],
  indent: [2, 2],
  json: [1, 1],
  truncate: [2, 2],
};
const blocks = ["if", "unless", "each"];
const eachVariables = ["index", "first", "last"];
const problemsMax = 20;
const renderedCharsMax = 400_000;

/** Compiles a prompt; a name that is not known is a problem here, never an empty text later. */
export function compileTemplate(file: string, text: string): CompiledTemplate {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const handlebars = Handlebars.create();
  for (const builtIn of ["log", "lookup", "with"]) handlebars.unregisterHelper(builtIn);
  handlebars.registerHelper({ fence, indent, json, truncate });
  let program: hbs.AST.Program;
  try {
    program = handlebars.parse(source);
  } catch (error) {
    return { ok: false, problems: [syntaxProblem(file, error)] };
  }
  const check = new Check(file);
  check.program(program, { inEach: false, blockParams: [], outer: null });
  if (check.problems.length > 0) return { ok: false, problems: check.problems };
  const compiled = handlebars.compile(program, {
    strict: true,
    noEscape: true,
    knownHelpers: { fence: true, indent: true, json: true, truncate: true },
    knownHelpersOnly: true,
  });
  return { ok: true, render: (values) => truncate(compiled({ ...values }), renderedCharsMax) };
}

function syntaxProblem(file: string, error: unknown): Problem {
  const { message } = error as Error;
  const at = error as { readonly lineNumber?: number; readonly column?: number };
  // The parser is one object for all; what it was reading when it gave up is still in there.
  const { lexer } = (Handlebars as unknown as { Parser: { lexer: Lexer } }).Parser;
  const parse = /^Parse error on line \d+:/.test(message);
  const line = parse ? lexer.yylloc.last_line : (at.lineNumber ?? 1);
  const column = (parse ? lexer.yylloc.first_column : (at.column ?? 0)) + 1;
  return { file, line, column, message: `template: ${syntaxSentence(message)}`, suggestion: null };
}

interface Lexer {
  readonly yylloc: { readonly last_line: number; readonly first_column: number };
}

function syntaxSentence(message: string): string {
  if (message.endsWith("got 'EOF'")) return "the file ends inside a block; close it";
  const wrong = /doesn't match/.test(message) ? message.replace(/ - \d+:\d+$/, "") : null;
  if (message.endsWith("got 'INVALID'")) return "what follows {{ cannot be read, or is not closed";
  return wrong ?? "this is not Handlebars";
}

/** What names mean at one place of a template. */
interface Scope {
  /** Inside `each` the context is one item of a list of texts. */
  readonly inEach: boolean;
  readonly blockParams: readonly string[];
  readonly outer: Scope | null;
}

class Check {
  readonly problems: Problem[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  program(program: hbs.AST.Program | undefined, scope: Scope): void {
    for (const statement of program?.body ?? []) this.#statement(statement, scope);
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
        this.#refuse(statement.loc, "partials and decorators are not known here");
    }
  }

  #call(call: hbs.AST.MustacheStatement | hbs.AST.SubExpression, scope: Scope): void {
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
    const names = visibleNames(path, scope);
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
function visibleNames(path: hbs.AST.PathExpression, scope: Scope): readonly string[] | null {
  let here: Scope | null = scope;
  for (let depth = 0; depth < path.depth && here !== null; depth += 1) here = here.outer;
  if (here === null) return null;
  if (path.data) return path.depth === 0 && here.inEach ? eachVariables : [];
  const params: string[] = [];
  for (let at: Scope | null = path.depth === 0 ? here : null; at !== null; at = at.outer) {
    params.push(...at.blockParams);
  }
  return here.inEach ? ["", ...params] : [...Object.keys(variableKinds), ...params];
}
