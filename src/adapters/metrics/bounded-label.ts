const other = "other";

/** A label's values as they come, up to a number of them; all later ones are "other". */
export class BoundedLabel {
  readonly #known = new Set<string>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#max) return other;
    this.#known.add(value);
    return value;
  }
}
