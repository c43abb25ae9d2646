import type { LiveEvent } from "../ports.ts";

/** Of so many loops, the newest, so much is remembered of what went by. */
const loopsMax = 1_000;
const eventsMax = 20;

/** What goes by, told to whoever watches; who comes late to a loop hears of its last steps first. */
export class Watchers {
  readonly #watchers = new Set<(event: LiveEvent) => void>();
  readonly #steps = new Map<string, LiveEvent[]>();

  /** Watches one loop, or all; returns the way out. */
  add(loop: string | null, listener: (event: LiveEvent) => void): () => void {
    const watcher = (event: LiveEvent) => {
      if (loop === null || event.loop === loop) listener(event);
    };
    for (const event of this.#steps.get(loop ?? "") ?? []) watcher(event);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  tell(event: LiveEvent): void {
    if (isStep(event)) this.#remember(event);
    for (const watcher of this.#watchers) watcher(event);
  }

  #remember(event: LiveEvent): void {
    const { loop } = event;
    const steps = this.#steps.get(loop) ?? [];
    steps.push(event);
    if (steps.length > eventsMax) steps.shift();
    this.#steps.delete(loop);
    this.#steps.set(loop, steps);
    const [oldest] = this.#steps.keys();
    if (this.#steps.size > loopsMax && oldest !== undefined) this.#steps.delete(oldest);
  }
}

function isStep({ type }: LiveEvent): boolean {
  return type === "stage" || type === "verdict" || type === "note";
}
