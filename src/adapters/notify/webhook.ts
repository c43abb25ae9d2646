import { createHmac } from "node:crypto";
import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Sent } from "../../ports/notify.ts";

export interface Webhook {
  readonly url: string;
  /** The body is signed with it; null: not signed. */
  readonly secret: string | null;
  /** The same for the same notification tried again. */
  readonly id: string;
}

const timeoutMs = 10_000;
/** Refused for now: the same may be taken later. */
const laterStatuses = [408, 425, 429];

/**
 * Posts JSON, signed as `x-taskdaemon-signature: sha256=<HMAC of the body>`. Follows no redirect and
 * reads no answer but its status. What goes wrong is said without the address, which may be secret.
 */
export async function postWebhook(
  { url, secret, id }: Webhook,
  body: string,
  signal: AbortSignal,
): Promise<Sent> {
  const target = new URL(url);
  const headers = {
    "content-type": "application/json",
    "content-length": String(new TextEncoder().encode(body).length),
    "user-agent": "taskdaemon",
    "x-taskdaemon-delivery": id,
    ...(secret === null ? {} : { "x-taskdaemon-signature": signatureOf(body, secret) }),
  };
  const deadline = AbortSignal.timeout(timeoutMs);
  const options = { method: "POST", agent: false, headers };
  try {
    const { statusCode = 0 } = await posted(target, body, {
      ...options,
      signal: AbortSignal.any([signal, deadline]),
    });
    return answered(target.host, statusCode);
  } catch (error) {
    const why = deadline.aborted ? `no answer in ${timeoutMs / 1_000} s` : reasonOf(error);
    return { ok: false, reason: `${target.host}: ${why}`, again: true };
  }
}

/** As a receiver computes it, to compare in constant time. */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** Resolves once the status is there; what follows is not read. */
function posted(url: URL, body: string, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const post = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = post(url, options, (response) => {
      response.on("error", () => undefined);
      resolve(response);
      response.destroy();
    });
    request.on("error", reject);
    request.end(body);
  });
}

function answered(host: string, status: number): Sent {
  if (status >= 200 && status < 300) return { ok: true };
  const again = status >= 500 || laterStatuses.includes(status);
  const more = status >= 300 && status < 400 ? ", and redirects are not followed" : "";
  return { ok: false, reason: `${host} answered ${status}${more}`, again };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? String(error.code) : error.message;
}
