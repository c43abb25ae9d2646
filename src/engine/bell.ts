/** Everyone who waits is woken by the next ring; nobody hears a ring of the past. */
export class Bell {
  #rung: PromiseWithResolvers<void> | null = null;

  next(): Promise<void> {
    this.#rung ??= Promise.withResolvers();
    return this.#rung.promise;
  }

  /** Costs nothing while nobody waits: it rings at every decision. */
  ring(): void {
    this.#rung?.resolve();
    this.#rung = null;
  }
}
