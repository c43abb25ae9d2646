/** Where tests have what they check with. */
const known =
  /^(?:node:.+|assert(?:\/strict)?|vitest|@vitest\/.+|@jest\/globals|chai|expect|ava|tap|tape|mocha|uvu(?:\/assert)?|@playwright\/test|bun:test|power-assert|should|expect\.js|zora|@japa\/.+|jsr:@std\/.+|@std\/.+|https:\/\/.+|npm:.+)$/;
const tool = /\b(?:test|it|describe|suite|expect|assert|strict|should)\b/g;
const binding =
  /\bimport\s+(?:type\s+)?([\w$*{},\s]{1,500}?)\s*from\s*["']([^"'\n]{1,200})["']|\b(?:const|let|var)\s+([\w$*{},:\s]{1,500}?)\s*=\s*(?:await\s+import|require)\(\s*["']([^"'\n]{1,200})["']\s*\)/g;

/** A tool of the tests that they have from somewhere else now; null when there is none. */
export function replacedTool(before: string, after: string): string | null {
  const was = originsIn(before);
  for (const [name, origin] of originsIn(after)) {
    const old = was.get(name);
    if (old !== origin && (old === undefined || known.test(old)) && !known.test(origin)) {
      return `${name} comes from ${origin} now`;
    }
  }
  return null;
}

function originsIn(text: string): ReadonlyMap<string, string> {
  const origins = new Map<string, string>();
  for (const [, names = "", module = "", constants = "", required = ""] of text.matchAll(binding)) {
    for (const [name] of `${names}${constants}`.matchAll(tool))
      origins.set(name, module + required);
  }
  return origins;
}

/** Python and Ruby keep the last of two functions of one name: how many tests that undoes. */
export function overriddenTests(code: string): number {
  const seen = new Set<string>();
  let overridden = 0;
  let place = "";
  for (const line of code.split("\n")) {
    const match =
      /^(\s*)(?:(?:async\s+)?def\s+(test\w*)|class\s+(\w+)|del\s+(test\w*|Test\w*)|(test_\w*|Test\w*)\s*=(?!=))/.exec(
        line,
      );
    if (match === null) continue;
    const [, indent = "", def, type, gone, set] = match;
    if (indent === "") place = "";
    const name = def ?? type ?? gone ?? set ?? "";
    const key = `${place}\n${indent.length}\n${name}`;
    if (seen.has(key)) overridden += 1;
    seen.add(key);
    if (type !== undefined && indent === "") place = `${type}`;
  }
  return overridden;
}

/** Ends of the process in what Go runs before main and before tests: init, and values of variables. */
export function exitsAtStart(text: string): number {
  const parts = text.split(/^(?=(?:func|var|type|const|import)\b)/m);
  return parts.filter((part) => /^(?:func init\(|var\b)/.test(part) && /\bExit\(/.test(part))
    .length;
}
