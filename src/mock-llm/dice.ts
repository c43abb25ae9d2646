/** Chance from a seed: the same seed and the same request number give the same draws. */
export class Dice {
  #state: number;

  constructor(seed: number, n: number) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(n + 1, 0xc2b2ae35)) >>> 0;
  }

  /** At least 0, less than 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  pick<T>(choices: readonly T[]): T | null {
    return choices[Math.floor(this.next() * choices.length)] ?? null;
  }

  /** Letters and digits, as the providers' ids have them. */
  token(length: number): string {
    let token = "";
    while (token.length < length) token += alphabet[Math.floor(this.next() * alphabet.length)];
    return token;
  }
}

const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789";
