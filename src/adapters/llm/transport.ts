import { Agent, fetch } from "undici";

/** To one origin, as many as `concurrency` allows: what queues here looks like a stall. */
const connectionsMax = 10_000;
/** Thousands that are made at once take their time; a provider that is down mostly says so at once. */
const connectTimeoutMs = 30_000;

/**
 * The fetch of all model clients. Its own idle timers are off, because pings would feed them:
 * the stall watch alone decides. HTTP/1.1, so that one broken connection cuts one stream only.
 */
export function createTransport(): typeof globalThis.fetch {
  const dispatcher = new Agent({
    allowH2: false,
    bodyTimeout: 0,
    connect: { timeout: connectTimeoutMs },
    connections: connectionsMax,
    headersTimeout: 0,
  });
  const send: typeof fetch = (url, init) => fetch(url, { ...init, dispatcher });
  // The same class of object from a newer release of the library that node bundles.
  return send as unknown as typeof globalThis.fetch;
}
