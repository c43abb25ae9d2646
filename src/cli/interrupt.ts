import { exitCodes } from "../protocol/errors.ts";
import type { Session } from "./session.ts";

/**
 * Runs `body` with a signal that the first Ctrl-C (or SIGTERM) aborts. The second Ctrl-C ends the
 * process at once: whoever presses it twice has waited long enough.
 */
export async function interruptible<Result>(
  { world, gone }: Session,
  body: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  const offs: (() => void)[] = [];
  const first = () => abort.abort();
  const onInterrupt = () => {
    if (!abort.signal.aborted) {
      first();
      if (world.exit === undefined) offInterrupt();
      return;
    }
    // The line that was being drawn stays where it is; what comes next begins below it.
    if (world.stderr.isTTY === true) world.stderr.write("\n");
    world.exit?.(exitCodes.interrupted);
  };
  const offInterrupt = world.onSignal("SIGINT", onInterrupt);
  offs.push(offInterrupt, world.onSignal("SIGTERM", first));
  if (gone.aborted) first();
  gone.addEventListener("abort", first, { once: true });
  try {
    return await body(abort.signal);
  } finally {
    gone.removeEventListener("abort", first);
    for (const off of offs) off();
  }
}
