import { type LlmDelta, LlmError } from "../../ports/llm.ts";
import { describe, type Endpoint } from "./endpoint.ts";

/** What a stream's reader tells of it, and the signal that ends it. */
export interface Watch {
  /** Aborts when the caller does, when the stream stalls, and when the work is over. */
  readonly signal: AbortSignal;
  /** Something new came. Cheap: it sets a time, no timer. */
  progress(): void;
  /** Passes a delta on, unless the request is already over. */
  tell(delta: LlmDelta): void;
  /** The reply is whole; the connection has `closeTimeoutMs` left to end by itself. */
  closing(): void;
}

const closeTimeoutMs = 500;
const timerMsMax = 2 ** 31 - 1;

/** The listener threw: its fault, not the stream's. `cause` is what it threw. */
class ListenerFault extends Error {}

/**
 * Runs `work` until it settles, the caller aborts (`aborted`) or nothing new has come for
 * `stallTimeoutMs` (`stalled`). Settles at once then, however long `work` takes to notice.
 */
export async function watched<T>(
  endpoint: Endpoint,
  caller: AbortSignal,
  onDelta: (delta: LlmDelta) => void,
  work: (watch: Watch) => Promise<T>,
): Promise<T> {
  const aborted = () => new LlmError("aborted", describe(endpoint, "the request was aborted"));
  if (caller.aborted) throw aborted();
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const controller = new AbortController();
  const watch = new ArmedWatch(controller.signal, onDelta, endpoint.stallTimeoutMs, (idleMs) => {
    const text = `sent nothing new for ${Math.round(idleMs / 100) / 10} s`;
    reject(new LlmError("stalled", describe(endpoint, text)));
  });
  const onAbort = () => {
    watch.disarm();
    reject(aborted());
  };
  caller.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(watch), interrupted]);
  } catch (error) {
    throw error instanceof ListenerFault ? error.cause : error;
  } finally {
    caller.removeEventListener("abort", onAbort);
    watch.disarm();
    controller.abort();
  }
}

/** One timer per stream: it compares times when it fires and sleeps on for what is left. */
class ArmedWatch implements Watch {
  readonly signal: AbortSignal;
  readonly #onDelta: (delta: LlmDelta) => void;
  readonly #onStall: (idleMs: number) => void;
  #idleMsMax: number;
  #progressAt = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(
    signal: AbortSignal,
    onDelta: (delta: LlmDelta) => void,
    idleMsMax: number,
    onStall: (idleMs: number) => void,
  ) {
    this.signal = signal;
    this.#onDelta = onDelta;
    this.#idleMsMax = idleMsMax;
    this.#onStall = onStall;
    this.#arm(idleMsMax);
  }

  progress(): void {
    this.#progressAt = performance.now();
  }

  tell(delta: LlmDelta): void {
    if (this.#isOver) return;
    try {
      this.#onDelta(delta);
    } catch (error) {
      throw new ListenerFault("a listener of a stream threw", { cause: error });
    }
  }

  closing(): void {
    if (this.#isOver) return;
    this.progress();
    this.#idleMsMax = closeTimeoutMs;
    this.#arm(closeTimeoutMs);
  }

  disarm(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #arm(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.max(1, ms), timerMsMax));
  }

  #check(): void {
    const idleMs = performance.now() - this.#progressAt;
    if (idleMs < this.#idleMsMax) this.#arm(this.#idleMsMax - idleMs);
    else {
      this.disarm();
      this.#onStall(idleMs);
    }
  }
}
