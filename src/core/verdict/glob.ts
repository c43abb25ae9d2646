/** Whether a path matches a pattern: `*`, `**`, `?`, `[a-z]`, `{a,b}`; a name alone is a path. */
export function matchesGlob(pattern: string, path: string): boolean {
  const plain = pattern.replace(/^\.\//, "").replace(/\/$/, "/**");
  return new RegExp(`^${source(plain)}$`).test(path);
}

const piece = /\*\*\/|\/\*\*$|\*+|\?|\[!?[^\]/]+\]|[{},]|[^*?[\]{},]+|[\s\S]/g;

function source(pattern: string): string {
  let depth = 0;
  return (pattern.match(piece) ?? [])
    .map((part) => {
      if (part === "{") depth += 1;
      const inside = depth > 0;
      if (part === "}" && inside) depth -= 1;
      return sourceOf(part, inside);
    })
    .join("")
    .concat(")".repeat(depth));
}

const fixed: ReadonlyMap<string, string> = new Map([
  ["**/", "(?:.*/)?"],
  ["/**", "/.*"],
  ["**", ".*"],
  ["*", "[^/]*"],
  ["?", "[^/]"],
  ["{", "(?:"],
]);

function sourceOf(part: string, insideBraces: boolean): string {
  const known = fixed.get(part) ?? (insideBraces ? { "}": ")", ",": "|" }[part] : undefined);
  if (known !== undefined) return known;
  if (part.startsWith("*")) return "[^/]*";
  if (part.length < 3 || !part.startsWith("[")) {
    return part.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  }
  const negated = part[1] === "!";
  const set = part.slice(negated ? 2 : 1, -1).replace(/[\\\]^]/g, String.raw`\$&`);
  return `[${negated ? "^" : ""}${set}]`;
}
