/**
 * The name of a failure: the same failure on the same files has the same name. `failure` comes
 * from `normalise`; the order of its lines does not count, because parallel tests shuffle them.
 */
export function fingerprint(failure: string, diffTree: string): string {
  const lines = failure.split("\n").map((line) => line.trim());
  const text = `${[...new Set(lines)].sort().join("\n")}\n\u0000\n${diffTree}`;
  return hash53(text, 0) + hash53(text, 0x9e3779b9);
}

/** The newest `stuckAfter` fingerprints are one and the same. */
export function isStuck(fingerprints: readonly string[], stuckAfter: number): boolean {
  if (stuckAfter < 1 || fingerprints.length < stuckAfter) return false;
  return new Set(fingerprints.slice(-stuckAfter)).size === 1;
}

/**
 * cyrb53: two multiply-xor lanes with a final mix, 53 bits. For telling texts apart, not against
 * an adversary: whoever forges a fingerprint only makes its own loop look stuck.
 */
function hash53(text: string, seed: number): string {
  let a = 0xdeadbeef ^ seed;
  let b = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(16).padStart(14, "0");
}
