import type { Millis } from "../../core/loop.ts";
import { createRedact } from "../../core/redact.ts";
import { LlmError, type LlmErrorKind } from "../../ports/llm.ts";

/** Where a client sends its requests, and how long it waits for a sign of life. */
export interface Endpoint {
  readonly provider: string;
  readonly baseUrl: string;
  /** Null for servers that want none. */
  readonly apiKey: string | null;
  readonly stallTimeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => Millis;
}

/** No honest reply is longer; a server that sends more is broken or hostile. */
export const replyCharsMax = 16 * 1024 * 1024;

const messageCharsMax = 500;

/** What servers answer when nothing at the address speaks the protocol. */
const noEventStream = /^(text\/html|application\/json)\b/;

/** The endpoint's fetch, which throws LlmError `malformed` for a page in place of a stream. */
export function fetchEvents(endpoint: Endpoint): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await endpoint.fetch(url, init);
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || !noEventStream.test(type)) return response;
    await response.body?.cancel();
    const text = `${endpoint.baseUrl} answered with ${type} in place of a stream of events`;
    throw new LlmError("malformed", describe(endpoint, text), { status: response.status });
  };
}

/** What an HTTP status other than 2xx means for the one who asked. */
export function kindOfStatus(status: number): LlmErrorKind {
  if (status === 429) return "rateLimited";
  if (status === 529 || status === 503) return "overloaded";
  if (status >= 500) return "server";
  // 402 is an empty account: like a wrong key, it needs a person.
  if (status === 401 || status === 403 || status === 402) return "auth";
  // Request timeout, lock conflict and too early pass by themselves.
  if (status === 408 || status === 409 || status === 425) return "server";
  return status >= 400 ? "invalid" : "malformed";
}

/** Reads `retry-after-ms` and `retry-after` (seconds or an HTTP date); null when there is none. */
export function retryAfterMs(
  header: (name: string) => string | null | undefined,
  now: Millis,
): number | null {
  const milliseconds = Number.parseFloat(header("retry-after-ms") ?? "");
  if (milliseconds >= 0) return Math.ceil(milliseconds);
  const after = header("retry-after")?.trim();
  if (after === undefined || after === "") return null;
  if (/^\d+(\.\d+)?$/.test(after)) return Math.ceil(Number(after) * 1000);
  const at = Date.parse(after);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** One line for people: the provider, what it said, and never the key, however it echoed it. */
export function describe({ provider, apiKey }: Endpoint, text: string): string {
  const plain = apiKey === null ? text : text.replaceAll(apiKey, "[redacted]");
  const safe = createRedact(apiKey === null ? [] : [apiKey])(plain);
  const line = safe.replace(/\s+/g, " ").trim();
  const short = line.length > messageCharsMax ? `${line.slice(0, messageCharsMax)}…` : line;
  return `${provider}: ${short}`;
}
