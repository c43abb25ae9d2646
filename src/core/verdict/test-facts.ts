import { testLanguage } from "./languages.ts";
import { overriddenTests } from "./test-tools.ts";

/** What a test file holds, by its text alone. */
export interface TestFacts {
  /** How many tests it declares. */
  readonly declared: number;
  /** The names of those that have one. */
  readonly names: readonly string[];
  /** Assertions that can fail. */
  readonly assertions: number;
  readonly skipped: number;
  /** Marks that make the runner leave all other tests out. */
  readonly focused: number;
  /** Statements that raise an error: how a helper of the tests says no. */
  readonly raised: number;
}

export const noTests: TestFacts = {
  declared: 0,
  names: [],
  assertions: 0,
  skipped: 0,
  focused: 0,
  raised: 0,
};

/** The path is one where test files are by convention. */
export function isTestFile(path: string): boolean {
  return testLanguage(path) !== null;
}

/** Counts what tests a text declares; nothing for a path that is no test file. */
export function testFacts(path: string, text: string): TestFacts {
  const language = testLanguage(path);
  if (language === null) return noTests;
  const whole = path.endsWith(".rs") && !/(?:^|\/)tests\//.test(path) ? rustTests(text) : text;
  // Of equal length, so that an offset in one is the same place in the other.
  const bare = whole.replace(language.tokens, (token) =>
    language.comment.test(token) ? blank(token) : token,
  );
  const code = whole.replace(language.tokens, (token) => blankInside(token, language.comment));
  const declarations = [...code.matchAll(language.test)];
  return {
    declared: declarations.length,
    names: declarations.flatMap((match) => match[1] ?? nameAfter(bare, match) ?? []),
    assertions: count(code, language.assertion) - count(code, language.trivial),
    skipped: count(code, language.skip) + (/\.(?:py|rb)$/.test(path) ? overriddenTests(code) : 0),
    focused: language.only === null ? 0 : count(code, language.only),
    raised: count(code, /\b(?:throw|raise|panic|abort|die|process\.exit|sys\.exit)\b/g),
  };
}

/** Below the first mark of a test; what is above is the program. */
function rustTests(text: string): string {
  const at = text.search(/#!?\[(?:cfg\((?:all\()?test|(?:\w+::)*test\b|rstest)/);
  return at === -1 ? "" : text.slice(at);
}

function blank(token: string): string {
  return token.replace(/[^\n]/g, " ");
}

function blankInside(token: string, comment: RegExp): string {
  if (comment.test(token)) return blank(token);
  if (!/^["'`]/.test(token) || token.length < 2)
    return token.startsWith("/") ? token : blank(token);
  return `${token[0]}${blank(token.slice(1, -1))}${token.at(-1)}`;
}

function nameAfter(bare: string, match: RegExpMatchArray): string | null {
  const at = (match.index ?? 0) + match[0].length;
  const found = /^[\s(]*(?:"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`)/.exec(
    bare.slice(at, at + 400),
  );
  const method = /^[^;{}]{0,200}?\b(?:void|fun|def|Task|fn|function)\s+(`[^`\n]+`|\w+)/.exec(
    bare.slice(at, at + 400),
  );
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? method?.[1] ?? null;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
