import type { IncomingMessage } from "node:http";

/** Names by which a program on this machine speaks to us; a port may follow. */
const ownHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * Why a request is not from a program on this machine; null when it is. A page of some web site
 * may reach us through a forwarded port, or under a name that it made mean this machine.
 */
export function foreignness({ url, headers, rawHeaders }: IncomingMessage): string | null {
  if (url?.startsWith("/") !== true) return "the request names a whole address, not a path";
  const { host, origin } = headers;
  const hosts = rawHeaders.filter((_, index) => index % 2 === 0 && isHost(rawHeaders[index]));
  if (hosts.length > 1) return "there is more than one Host";
  if (host !== undefined && !ownHost.test(host)) return "the Host is not this machine";
  if (origin === undefined) return null;
  return host !== undefined && origin.toLowerCase() === `http://${host.toLowerCase()}`
    ? null
    : "the Origin is somebody else";
}

function isHost(name: string | undefined): boolean {
  return name?.toLowerCase() === "host";
}
