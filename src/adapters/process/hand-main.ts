/** The hand of a daemon (`hand.ts`), as a process: obeys who has the other end of descriptor 3. */
import { Socket } from "node:net";
import { sendFrame, takeFrames } from "./frames.ts";
import type { Answer, Order } from "./hand.ts";
import { PipePool } from "./pipes.ts";
import { runProgramHere } from "./program.ts";
import { runProcessHere, SpawnFailed } from "./run.ts";
import { TreeWatch } from "./watch.ts";

const orders = new Socket({ fd: 3, readable: true, writable: true });
const here = { watch: new TreeWatch(), pipes: new PipePool() };
const underWay = new Map<number, { readonly halt: AbortController; readonly isCommand: boolean }>();

takeFrames(orders, (value) => {
  const order = value as Order;
  if (order.is === "abort") underWay.get(order.id)?.halt.abort();
  else void obey(order);
});
orders.once("close", leave);
orders.on("error", () => orders.destroy());

async function obey(order: Exclude<Order, { is: "abort" }>): Promise<void> {
  const halt = new AbortController();
  underWay.set(order.id, { halt, isCommand: order.is === "process" });
  const answer = await carryOut(order, halt.signal).then(
    (value): Answer => ({ id: order.id, ok: true, value }),
    (error: unknown): Answer => {
      const text = error instanceof Error ? error.message : String(error);
      return { id: order.id, ok: false, couldNotStart: error instanceof SpawnFailed, text };
    },
  );
  underWay.delete(order.id);
  if (orders.writable) sendFrame(orders, answer);
}

function carryOut(order: Exclude<Order, { is: "abort" }>, signal: AbortSignal): Promise<unknown> {
  if (order.is === "program") return runProgramHere(order.request, signal);
  return runProcessHere(order.request, here, signal);
}

/** The daemon is gone: a model's commands end at once, and git leaves nothing half done. */
function leave(): void {
  for (const { halt, isCommand } of underWay.values()) if (isCommand) halt.abort();
}
