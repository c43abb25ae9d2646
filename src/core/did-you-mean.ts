/** Longer words than this are no typing mistakes. */
const wordCharsMax = 64;

/** The candidate that a person most likely meant, or null when none is near. */
export function didYouMean(word: string, candidates: readonly string[]): string | null {
  if (word.length > wordCharsMax) return null;
  const wanted = plain(word);
  if (wanted === "") return null;
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate.length > wordCharsMax) continue;
    const distance = editDistance(wanted, plain(candidate));
    const near = Math.floor(Math.max(wanted.length, candidate.length) / 3);
    if (distance > near || distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best ?? candidates.find((candidate) => begins(candidate, wanted)) ?? null;
}

/** `api-key` begins `api-key-env`; two letters begin too much. */
function begins(candidate: string, wanted: string): boolean {
  return wanted.length > 2 && plain(candidate).startsWith(wanted);
}

/** maxTurns, max_turns and MAX-TURNS are one word to a person. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_.\s]/g, "");
}

/** Insertions, deletions, substitutions and swaps of neighbours, each counted as one. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
