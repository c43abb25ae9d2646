import { Buffer } from "node:buffer";
import type { ReadableStreamReadResult } from "node:stream/web";

/** What the bytes of one response told that the parser above them keeps to itself. */
export interface Wire {
  /** `data: [DONE]` came: the server's own end mark. */
  isDone: boolean;
  hasEnded: boolean;
  headers: Headers | null;
}

const closeTimeoutMs = 500;
const tailBytesMax = 32;
// In a JSON string a line feed is escaped, so no text of a model can look like this.
const endMark = /(^|[\r\n])data: ?\[DONE\]\s*$/;

/** A fetch that notes the end mark, and does not wait for servers that stay connected after it. */
export function untilDone(fetch: typeof globalThis.fetch, wire: Wire): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    wire.headers = response.headers;
    if (!response.ok || response.body === null) return response;
    const { status, headers } = response;
    return new Response(watchedBody(response.body, wire), { status, headers });
  };
}

function watchedBody(body: ReadableStream<Uint8Array>, wire: Wire): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let tail = "";
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = wire.isDone ? await readOrClose(reader) : await reader.read();
      if (next.done) {
        wire.hasEnded = true;
        controller.close();
        return;
      }
      const bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      tail = (tail + bytes.subarray(-tailBytesMax).toString("latin1")).slice(-tailBytesMax);
      wire.isDone ||= endMark.test(tail);
      controller.enqueue(next.value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Most servers end the response right after the mark, and the connection can be used again. */
async function readOrClose(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, closeTimeoutMs);
  const next = await Promise.race([reader.read(), late]);
  clearTimeout(timer);
  if (next !== undefined) return next;
  await reader.cancel();
  return { done: true, value: undefined };
}
