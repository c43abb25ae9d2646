import Handlebars from "handlebars";
import type { Problem } from "./problem.ts";

export type ParsedTemplate =
  | { readonly ok: true; readonly program: hbs.AST.Program }
  | { readonly ok: false; readonly problem: Problem };

/** Handlebars of our own: nothing that reaches past the values of a template. */
export function createHandlebars(helpers: Handlebars.HelperDeclareSpec): typeof Handlebars {
  const handlebars = Handlebars.create();
  for (const builtIn of ["log", "lookup", "with"]) handlebars.unregisterHelper(builtIn);
  handlebars.registerHelper(helpers);
  return handlebars;
}

export function parseTemplate(file: string, text: string): ParsedTemplate {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return { ok: true, program: Handlebars.parse(source) };
  } catch (error) {
    return { ok: false, problem: syntaxProblem(file, error) };
  }
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
