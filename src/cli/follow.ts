import { setTimeout } from "node:timers/promises";
import type { LoopView } from "../views/loop-view.ts";

const pollMs = 500;

/** Waits for the next look; false when it was interrupted instead. */
export async function nextLook(signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await setTimeout(pollMs, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Whether somebody has to do something before anything happens to it again. */
export function rests({ status }: LoopView): boolean {
  return status !== "running" && status !== "pending" && status !== "delegated";
}
