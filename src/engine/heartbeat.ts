import { beatMs, silenceAfter, silenceMsMax } from "../core/health.ts";
import type { Loop, Millis } from "../core/loop.ts";
import type { LiveEvent } from "../ports.ts";
import type { Engine } from "./engine.ts";

/** An attempt that was told to end and does not is left behind: its lease is gone, it fences. */
const leaveMs: Millis = 600_000;

type Body = (engine: Engine, signal: AbortSignal) => Promise<void>;

/**
 * Carries `body` out and listens to it. One that gives no sign of life for too long loses its
 * lease, which counts as an error of the attempt; one that does not end when it is told to is left.
 */
export async function withHeartbeat(
  engine: Engine,
  loop: Loop,
  signal: AbortSignal,
  body: Body,
): Promise<void> {
  const { world, states } = engine;
  const { clock } = world;
  const ear = new Ear(engine, loop);
  const halt = new AbortController();
  const over = new AbortController();
  const told = () => {
    halt.abort(signal.reason);
    over.abort();
  };
  signal.addEventListener("abort", told, { once: true });
  if (signal.aborted) told();
  const heard = { ...engine, world: { ...world, watch: (event: LiveEvent) => ear.hear(event) } };
  // Nobody waits for it before it has been listened to: its failure is kept until then.
  const work = Promise.allSettled([body(heard, halt.signal).finally(() => over.abort())]);
  try {
    const silentMs = await ear.listen(over.signal);
    if (silentMs !== null) {
      const { id, attempt } = loop;
      const reason = `it gave no sign of life for ${Math.round(silentMs / 60_000)} min`;
      const outcome = { type: "erred", reason } as const;
      await states.submit({ type: "finishAttempt", id, attempt, outcome });
      halt.abort(reason);
    }
    await orLeave(work, (timer) => clock.sleepUntil(clock.now() + leaveMs, timer));
  } finally {
    signal.removeEventListener("abort", told);
  }
}

/** Hears what one attempt tells, and what changes its loop. */
class Ear {
  readonly #engine: Engine;
  readonly #loop: Loop;
  #isHeard = true;

  constructor(engine: Engine, loop: Loop) {
    this.#engine = engine;
    this.#loop = loop;
  }

  hear(event: LiveEvent): void {
    this.#isHeard = true;
    this.#engine.world.watch(event);
  }

  /** Resolves to how long it was silent when that is too long; to null once `over` aborts. */
  async listen(over: AbortSignal): Promise<Millis | null> {
    const { clock } = this.#engine.world;
    const silenceMax = silenceMsMax(this.#loop.settings);
    let silenceMs = 0;
    let changedAt = this.#loop.updatedAt;
    for (let now = clock.now(); !over.aborted; ) {
      const before = now;
      await clock.sleepUntil(now + beatMs, over);
      now = clock.now();
      const updatedAt = this.#engine.states.state.loops.get(this.#loop.id)?.updatedAt ?? changedAt;
      const heard = this.#isHeard || updatedAt !== changedAt;
      silenceMs = silenceAfter(silenceMs, { heard, elapsedMs: now - before });
      this.#isHeard = false;
      changedAt = updatedAt;
      if (silenceMs > silenceMax) return silenceMs;
    }
    return null;
  }
}

async function orLeave(
  work: Promise<readonly PromiseSettledResult<void>[]>,
  wait: (timer: AbortSignal) => Promise<void>,
): Promise<void> {
  const timer = new AbortController();
  // What fails after it was left is nobody's: it has no lease to speak for.
  const left = wait(timer.signal).then(() => []);
  const [ended] = await Promise.race([work, left]);
  timer.abort();
  if (ended?.status === "rejected") throw ended.reason;
}
