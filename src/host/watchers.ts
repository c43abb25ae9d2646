import type { Stage } from "../core/loop.ts";
import type { LiveEvent } from "../ports.ts";

/** Of so many loops, the newest, so much is remembered of what went by. */
const loopsMax = 1_000;
const eventsMax = 20;
/** Of so many loops, the newest, so much of what the model writes at this moment. */
const writersMax = 200;
const saidCharsMax = 20_000;
/** Of so many loops, the newest, it is known what they are at. */
const stagesMax = 10_000;

/**
 * What goes by, told to whoever watches. Who comes late to a loop hears first of its last steps,
 * and then what its model has written since: the words that follow are the end of a sentence.
 */
export class Watchers {
  readonly #watchers = new Set<(event: LiveEvent) => void>();
  readonly #steps = new Map<string, LiveEvent[]>();
  readonly #said = new Map<string, LiveEvent & { readonly type: "text" }>();
  readonly #stages = new Map<string, Stage>();

  /** Watches one loop, or all; returns the way out. */
  add(loop: string | null, listener: (event: LiveEvent) => void): () => void {
    const watcher = (event: LiveEvent) => {
      if (loop === null || event.loop === loop) listener(event);
    };
    for (const event of this.#steps.get(loop ?? "") ?? []) watcher(event);
    const said = this.#said.get(loop ?? "");
    if (said !== undefined) watcher(said);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** What a loop was at last; null where nothing was told of it. */
  stageOf(loop: string): Stage | null {
    return this.#stages.get(loop) ?? null;
  }

  tell(event: LiveEvent): void {
    if (isStep(event)) this.#remember(event);
    if (event.type === "stage") putNewest(this.#stages, event.loop, event.stage, stagesMax);
    this.#hear(event);
    for (const watcher of this.#watchers) watcher(event);
  }

  /** The words of a turn, until something else comes of it. */
  #hear(event: LiveEvent): void {
    const { loop } = event;
    if (event.type === "usage") return;
    const before = this.#said.get(loop);
    if (event.type !== "text") {
      this.#said.delete(loop);
      return;
    }
    const text = (before?.text ?? "") + event.text;
    const said = { ...event, text: text.length > saidCharsMax ? endOf(text) : text };
    this.#said.set(loop, said);
    dropOldest(this.#said, writersMax);
  }

  #remember(event: LiveEvent): void {
    const { loop } = event;
    const steps = this.#steps.get(loop) ?? [];
    steps.push(event);
    if (steps.length > eventsMax) steps.shift();
    putNewest(this.#steps, loop, steps, loopsMax);
  }
}

function putNewest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  dropOldest(map, max);
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}

function isStep({ type }: LiveEvent): boolean {
  return type === "stage" || type === "verdict" || type === "note";
}

/** The later half, from the beginning of a line or at least of a word. */
function endOf(text: string): string {
  const half = text.slice(-saidCharsMax / 2);
  const line = half.indexOf("\n");
  return half.slice((line === -1 ? half.indexOf(" ") : line) + 1);
}
