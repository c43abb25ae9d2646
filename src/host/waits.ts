import type { LoopId, Millis } from "../core/loop.ts";
import type { Gates } from "../engine/gates.ts";
import type { LiveEvent } from "../ports.ts";
import type { LiveWait } from "../views/why.ts";

/** What running loops wait for within a turn, as they said it last: live, and never stored. */
export class Waits {
  readonly #gates: () => Gates | null;
  readonly #said = new Map<LoopId, LiveWait>();

  constructor(gates: () => Gates | null) {
    this.#gates = gates;
  }

  take(event: LiveEvent): void {
    const { loop } = event;
    if (event.type === "waiting")
      this.#said.set(loop, { until: event.until, reason: event.reason });
    // The account of the call that failed comes before its wait; whatever else comes ends one.
    else if (this.#said.size > 0) this.#said.delete(loop);
  }

  /** The loop does not run any more. */
  forget(loop: LoopId): void {
    this.#said.delete(loop);
  }

  /** A gate knows better than what was said when the wait began. */
  of(loop: LoopId, now: Millis): LiveWait | null {
    const atGate = this.#gates()?.waitOf(loop) ?? null;
    if (atGate !== null) return atGate;
    const said = this.#said.get(loop);
    return said !== undefined && said.until !== null && said.until > now ? said : null;
  }
}
