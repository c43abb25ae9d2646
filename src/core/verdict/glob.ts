/** Whether a path matches a pattern: `*`, `**`, `?`, `[a-z]`, `{a,b}`; a name alone is a path. */
export function matchesGlob(pattern: string, path: string): boolean {
  return globMatcher(pattern)(path);
}

/**
 * The same for many paths. Pattern and path may both be a model's words, and a regular expression
 * could take for ever: here all ways are gone at once, and none twice.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const plain = pattern.replace(/^\.\//, "").replace(/\/$/, "/**");
  const net = new Net();
  for (const part of plain.match(piece) ?? []) net.add(part);
  net.finish();
  return (path) => net.leads(path);
}

const piece = /\*\*\/|\/\*\*$|\*+|\?|\[!?[^\]/]+\]|[{},]|[^*?[\]{},]+|[\s\S]/g;

type Takes = (letter: string) => boolean;

/** A place in a pattern, and where one may go on from it: without a letter, or over one. */
interface Place {
  readonly free: Place[];
  readonly over: { readonly takes: Takes; readonly to: Place }[];
}

class Net {
  readonly #start = place();
  readonly #braces: { readonly open: Place; readonly close: Place }[] = [];
  #at = this.#start;

  add(part: string): void {
    const brace = this.#braces.at(-1);
    if (part === "{") {
      this.#braces.push({ open: this.#at, close: place() });
      this.#branch(this.#at);
    } else if (part === "," && brace !== undefined) {
      this.#at.free.push(brace.close);
      this.#branch(brace.open);
    } else if (part === "}" && brace !== undefined) this.#close();
    else this.#letters(part);
  }

  /** A brace that nobody closed ends with the pattern. */
  finish(): void {
    while (this.#braces.length > 0) this.#close();
  }

  leads(path: string): boolean {
    let here = reached([this.#start]);
    for (let index = 0; index < path.length && here.size > 0; index += 1) {
      const letter = path.charAt(index);
      const next: Place[] = [];
      for (const { over } of here)
        for (const { takes, to } of over) if (takes(letter)) next.push(to);
      here = reached(next);
    }
    return here.has(this.#at);
  }

  #letters(part: string): void {
    if (part === "**/") this.#directories();
    else if (part === "/**") {
      this.#step(isSlash);
      this.#repeat(isAny);
    } else if (part.startsWith("*")) this.#repeat(part === "**" ? isAny : isInName);
    else if (part === "?") this.#step(isInName);
    else if (part.length > 2 && part.startsWith("[")) this.#step(classOf(part));
    else for (const own of part.split("")) this.#step((letter) => letter === own);
  }

  #step(takes: Takes, to = place()): void {
    this.#at.over.push({ takes, to });
    this.#at = to;
  }

  #branch(from: Place): void {
    this.#at = place();
    from.free.push(this.#at);
  }

  #repeat(takes: Takes): void {
    this.#branch(this.#at);
    this.#at.over.push({ takes, to: this.#at });
  }

  #directories(): void {
    const after = place();
    this.#at.free.push(after);
    this.#repeat(isAny);
    this.#step(isSlash, after);
  }

  #close(): void {
    const close = this.#braces.pop()?.close ?? this.#at;
    this.#at.free.push(close);
    this.#at = close;
  }
}

function place(): Place {
  return { free: [], over: [] };
}

/** A set grows while it is gone through. */
function reached(from: readonly Place[]): ReadonlySet<Place> {
  const all = new Set(from);
  for (const { free } of all) for (const next of free) all.add(next);
  return all;
}

const isAny: Takes = () => true;
const isSlash: Takes = (letter) => letter === "/";
const isInName: Takes = (letter) => letter !== "/";

/** `[a-z_]`, or `[!a-z_]` for all others. */
function classOf(part: string): Takes {
  const isNegated = part[1] === "!";
  const items = part.slice(isNegated ? 2 : 1, -1).matchAll(/([\s\S])(?:-([\s\S]))?/g);
  const ranges = [...items].map(([, first = "", last = first]) => ({ first, last }));
  return (letter) =>
    ranges.some(({ first, last }) => first <= letter && letter <= last) !== isNegated;
}
