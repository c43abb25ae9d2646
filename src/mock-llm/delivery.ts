import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { Fault } from "./scenario.ts";
import type { Frame } from "./wire.ts";

/** How an answer goes out: its pace and what goes wrong on the way. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string>>;
  readonly fault: Fault;
  readonly latencyMs: number;
  readonly tokensPerSecond: number | null;
  readonly pingMs: number;
  readonly ping: string;
  readonly errorFrame: Frame;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** Sends the frames as server-sent events. Rejects with an AbortError when the client goes. */
export async function sendStream(
  response: ServerResponse,
  frames: readonly Frame[],
  delivery: Delivery,
): Promise<void> {
  const { fault, signal, tokensPerSecond } = delivery;
  await begin(response, "text/event-stream; charset=utf-8", delivery);
  const rupture = breakOf(fault, frames);
  for (const [index, frame] of frames.entries()) {
    if (index === rupture?.at && rupture.kind !== "malformed") {
      return await ruptures[rupture.kind](response, delivery);
    }
    if (tokensPerSecond !== null && frame.tokens > 0) {
      await setTimeout((frame.tokens / tokensPerSecond) * 1000, undefined, { signal });
    }
    const isBroken = index === rupture?.at;
    const data = isBroken ? frame.data.slice(0, Math.ceil(frame.data.length / 2)) : frame.data;
    await write(response, onWire({ ...frame, data }), delivery);
  }
  response.end();
}

/** Sends one JSON document; a fault of the stream breaks it in the middle. */
export async function sendWhole(
  response: ServerResponse,
  body: object,
  delivery: Delivery,
): Promise<void> {
  const { fault } = delivery;
  if (fault.stall !== undefined) return await silence(delivery.signal);
  await begin(response, "application/json", delivery);
  const text = JSON.stringify(body);
  const isBroken = (["cut-after", "end-after", "malformed"] as const).some((key) => key in fault);
  await write(response, isBroken ? text.slice(0, Math.ceil(text.length / 2)) : text, delivery);
  if (fault["cut-after"] === undefined) response.end();
  else await cut(response, delivery);
}

async function begin(
  response: ServerResponse,
  contentType: string,
  { headers, fault, latencyMs, tokensPerSecond, signal }: Delivery,
): Promise<void> {
  if (latencyMs > 0) await setTimeout(latencyMs, undefined, { signal });
  if (fault.silent === true) await silence(signal);
  response.writeHead(200, { ...headers, "content-type": contentType });
  if (fault.silent === "headers" || tokensPerSecond !== null) response.flushHeaders();
  if (fault.silent === "headers") await silence(signal);
}

type RuptureKind = "cut-after" | "end-after" | "error-after" | "stall" | "malformed";

/** Where the stream breaks: after so many events, at the latest before the end mark. */
function breakOf(fault: Fault, frames: readonly Frame[]): { kind: RuptureKind; at: number } | null {
  const kinds = ["cut-after", "end-after", "error-after", "stall", "malformed"] as const;
  for (const kind of kinds) {
    const after = fault[kind];
    if (after === undefined) continue;
    const at = after === true ? 0 : after;
    return { kind, at: at < frames.length ? at : frames.findIndex(({ closing }) => closing) };
  }
  return null;
}

const ruptures: Readonly<
  Record<
    Exclude<RuptureKind, "malformed">,
    (response: ServerResponse, delivery: Delivery) => Promise<void> | void
  >
> = {
  "cut-after": cut,
  "end-after": (response) => {
    response.end();
  },
  "error-after": async (response, delivery) => {
    await write(response, onWire(delivery.errorFrame), delivery);
    response.end();
  },
  stall: async (response, delivery) => {
    for (;;) {
      await write(response, delivery.ping, delivery);
      await setTimeout(delivery.pingMs, undefined, { signal: delivery.signal });
    }
  },
};

/**
 * Breaks the connection once what was sent has had time to arrive: a client drops what it has
 * not read yet when it learns of the break.
 */
async function cut(response: ServerResponse, { signal }: Delivery): Promise<void> {
  response.flushHeaders();
  await setTimeout(lingerMs, undefined, { signal });
  response.socket?.destroySoon();
}

const lingerMs = 20;

function onWire({ event, data }: Frame): string {
  return `${event === null ? "" : `event: ${event}\n`}data: ${data}\n\n`;
}

/** Waits while the client reads slowly; `split` sends every byte on its own. */
async function write(
  response: ServerResponse,
  text: string,
  { fault, signal }: Delivery,
): Promise<void> {
  const bytes = Buffer.from(text);
  const step = fault.split === true ? 1 : bytes.length;
  for (let at = 0; at < bytes.length; at += step) {
    signal.throwIfAborted();
    const isRoom = response.write(bytes.subarray(at, at + step));
    if (step < bytes.length) await setImmediate();
    if (!isRoom) await once(response, "drain", { signal });
  }
}

/** Until the client gives up or the server closes. */
async function silence(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  await once(signal, "abort");
  throw signal.reason;
}
