/** Everyone who waits is woken by the next ring; nobody hears a ring of the past. */
export class Bell {
  #rung = Promise.withResolvers<void>();

  next(): Promise<void> {
    return this.#rung.promise;
  }

  ring(): void {
    this.#rung.resolve();
    this.#rung = Promise.withResolvers<void>();
  }
}
