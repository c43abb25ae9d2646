import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Why a request is turned away; null when it may pass. */
export interface Refused {
  readonly status: 401 | 403;
  readonly error: string;
}

interface Asked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Whether it opens a WebSocket: a page may do that across origins. */
  readonly opensFeed: boolean;
}

const cookieLifeSeconds = 30 * 24 * 3_600;

/**
 * Who may pass the dashboard's door: a browser that was given the token, on a page of ours. Another
 * site's name that resolves to this machine (DNS rebinding) and other pages are refused.
 */
export class WebGuard {
  readonly #token: string;
  readonly #hosts: readonly string[];
  readonly #cookieName: string;
  readonly #cookieValue: string;

  constructor(port: number, token: string) {
    this.#token = token;
    this.#hosts = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`);
    // Cookies know no ports: two homes have two names.
    this.#cookieName = `taskdaemon-${port}`;
    this.#cookieValue = createHmac("sha256", token).update("cookie").digest("base64url");
  }

  /** What holds for every request, also for those that need no token. */
  place({ method, headers, opensFeed }: Asked): Refused | null {
    const { host = "", origin } = headers;
    if (!this.#hosts.includes(host)) {
      return { status: 403, error: "this address is not the dashboard's: use 127.0.0.1" };
    }
    if (origin === undefined) {
      const isBrowser = headers["sec-fetch-site"] !== undefined;
      const changes = opensFeed || !["GET", "HEAD"].includes(method);
      return isBrowser && changes && headers["sec-fetch-site"] !== "same-origin" ? strange : null;
    }
    return origin === `http://${host}` ? null : strange;
  }

  person(headers: IncomingHttpHeaders): Refused | null {
    const { authorization = "", cookie = "" } = headers;
    const bearer = /^Bearer ([\w-]{1,200})$/.exec(authorization)?.[1];
    if (bearer !== undefined && this.holds(bearer)) return null;
    const cookies = cookie.split(";").map((each) => each.trim());
    const own = cookies.find((each) => each.startsWith(`${this.#cookieName}=`));
    const value = own?.slice(this.#cookieName.length + 1);
    if (value !== undefined && isSame(value, this.#cookieValue)) return null;
    return { status: 401, error: "not signed in: `td dashboard` prints a link that does it" };
  }

  /** Whether it is the token itself. */
  holds(token: string): boolean {
    return isSame(token, this.#token);
  }

  /** Given for the token. */
  cookie(): string {
    const life = `Max-Age=${cookieLifeSeconds}`;
    return `${this.#cookieName}=${this.#cookieValue}; Path=/; HttpOnly; SameSite=Strict; ${life}`;
  }
}

const strange: Refused = { status: 403, error: "this comes from another page" };

function isSame(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Nothing inline, nothing from elsewhere, in nobody's frame. */
export function safetyHeaders(host: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ws://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  };
}
