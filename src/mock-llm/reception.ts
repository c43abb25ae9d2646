import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { JournalEntry } from "./journal.ts";

/** The largest request that the real API takes. */
const bodyBytesMax = 32 * 1024 * 1024;

type Body =
  | { readonly kind: "json"; readonly value: unknown; readonly bytes: number }
  | { readonly kind: "text"; readonly value: string; readonly bytes: number }
  | { readonly kind: "tooLarge" };

/**
 * Reads the body. What is beyond the bound is read and forgotten, up to a bound of its own: a
 * client that is still sending would lose the 413 with the connection.
 */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    assert(Buffer.isBuffer(chunk));
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > forgottenBytesMax) break;
  }
  if (bytes > bodyBytesMax) return { kind: "tooLarge" };
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return { kind: "json", value: JSON.parse(text), bytes };
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: "text", value: text, bytes };
    throw error;
  }
}

const forgottenBytesMax = 8 * bodyBytesMax;

/** How the client proved itself; any key will do, none will not. */
export function authOf(request: IncomingMessage): JournalEntry["auth"] {
  if (header(request, "x-api-key")) return "x-api-key";
  return /^Bearer \S/i.test(header(request, "authorization") ?? "") ? "bearer" : null;
}

export function header(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return (Array.isArray(value) ? value.join(", ") : value)?.trim() ?? null;
}
