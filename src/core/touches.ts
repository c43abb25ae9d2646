import type { Loop, LoopId } from "./loop.ts";

/** Whether some path could match a pattern of each list. In doubt yes: then one waits for the other. */
export function touchesOverlap(a: readonly string[], b: readonly string[]): boolean {
  return a.some((one) => b.some((other) => patternsMeet(one, other)));
}

const patternCharsMax = 500;

function patternsMeet(a: string, b: string): boolean {
  if (a.length > patternCharsMax || b.length > patternCharsMax) return true;
  return meet(segmentsOf(a), segmentsOf(b), {
    isAny: (segment) => segment === "**",
    isSame: (one, other) =>
      meet(tokensOf(one), tokensOf(other), {
        isAny: (token) => token === "*",
        isSame: (x, y) => x === "?" || y === "?" || x === y,
      }),
  });
}

function segmentsOf(pattern: string): readonly string[] {
  const plain = pattern.replace(/^\.\//, "").replace(/\/$/, "/**");
  // A brace may hold a slash: what comes from there on can be anything.
  const open = plain.search(/\{[^}]*\//);
  const sure = open < 0 ? plain : `${plain.slice(0, plain.lastIndexOf("/", open) + 1)}**`;
  // A directory's name alone means what is in it, too.
  return [...sure.split("/").filter((segment) => segment !== ""), "**"];
}

/** `*` for any text (braces too), `?` for any letter (classes too), else the letter itself. */
function tokensOf(segment: string): readonly string[] {
  return (segment.match(/\{[^}]*\}|\[[^\]]+\]|\*+|[\s\S]/g) ?? []).map((token) => {
    if (token.startsWith("*") || (token.startsWith("{") && token.length > 1)) return "*";
    return token.startsWith("[") && token.length > 1 ? "?" : token;
  });
}

interface Kind {
  readonly isAny: (part: string) => boolean;
  readonly isSame: (a: string, b: string) => boolean;
}

/** Whether two patterns of parts can mean one and the same, from their ends on. */
function meet(a: readonly string[], b: readonly string[], { isAny, isSame }: Kind): boolean {
  let below: readonly boolean[] = [];
  for (let i = a.length; i >= 0; i -= 1) {
    const row: boolean[] = [];
    for (let j = b.length; j >= 0; j -= 1) {
      const [one, other] = [a[i], b[j]];
      const skips = below[j] === true || row[j + 1] === true;
      const isEither = (one !== undefined && isAny(one)) || (other !== undefined && isAny(other));
      const isBoth = one !== undefined && other !== undefined;
      const isEnd = one === undefined && other === undefined;
      const goesOn = isBoth && below[j + 1] === true && isSame(one, other);
      row[j] = isEnd || (isEither ? skips : goesOn);
    }
    below = row;
  }
  return below[0] === true;
}

type Touchy = Pick<Loop, "id" | "parent" | "touches">;
type Loops = ReadonlyMap<LoopId, Touchy>;

/** Whether two loops are, or lie below, siblings that mean to change the same files. */
export function clash(loops: Loops, a: Touchy, b: Touchy): boolean {
  if (a.id === b.id) return false;
  const others = touchyChain(loops, b);
  return touchyChain(loops, a).some((one) =>
    others.some(
      (other) =>
        one.id !== other.id &&
        one.parent === other.parent &&
        touchesOverlap(one.touches, other.touches),
    ),
  );
}

/** Whether others that overlap with it wait: it is at work, or its work is not merged yet. */
export function holdsFiles({ status, merge }: Pick<Loop, "status" | "merge">): boolean {
  return status === "running" || (status === "pending" && merge !== null);
}

/** A loop and what is above it, as far as they are children that say what they touch. */
export function touchyChain(loops: Loops, loop: Touchy): readonly Touchy[] {
  const chain: Touchy[] = [];
  let at: Touchy | undefined = loop;
  while (at !== undefined && at.parent !== null) {
    if (at.touches.length > 0) chain.push(at);
    at = loops.get(at.parent);
  }
  return chain;
}
