import { Buffer } from "node:buffer";
import { lookup } from "node:dns/promises";
import { get as getHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { get as getHttps } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";
import type { Fetcher } from "../ports/fetcher.ts";
import { ToolRefusal } from "../ports.ts";

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

interface Address {
  readonly address: string;
  readonly family: number;
}

type Contact = Parameters<Fetcher["fetch"]>[3];

/** Where a fetch may go, and who is told of it. */
interface Way {
  readonly allow: readonly string[];
  readonly contact: Contact;
}

const redirectsMax = 5;
const bodyBytesMax = 1_000_000;
const timeoutMs = 30_000;
const textTypes =
  /^(text\/|application\/(json|xml|javascript|yaml|x-yaml|toml|x-ndjson|[\w.-]+\+(json|xml))\b|image\/svg\+xml)/;

/**
 * GET for the `fetch` tool. A host must be on the allow list (`example.org`, `*.example.org`) and
 * have public addresses only; the connection goes to the very address that was checked. An entry
 * with a port (`127.0.0.1:8080`) allows that one address, private or not.
 */
export class HttpFetcher implements Fetcher {
  readonly #resolve: Resolve;

  constructor(resolve: Resolve = (host) => lookup(host, { all: true, verbatim: true })) {
    this.#resolve = resolve;
  }

  async fetch(
    url: string,
    allow: readonly string[],
    signal: AbortSignal,
    contact: Contact = async () => undefined,
  ): Promise<string> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    const interrupt = () => {
      const why = signal.aborted ? "was aborted" : `took longer than ${timeoutMs / 1000} s`;
      reject(new ToolRefusal(`The fetch of ${url} ${why}.`));
    };
    if (deadline.aborted) interrupt();
    deadline.addEventListener("abort", interrupt, { once: true });
    try {
      return await Promise.race([this.#follow(url, { allow, contact }, deadline), interrupted]);
    } finally {
      deadline.removeEventListener("abort", interrupt);
    }
  }

  async #follow(start: string, way: Way, signal: AbortSignal): Promise<string> {
    let url = parsed(start);
    for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
      const addresses = await this.#told(url, way);
      const response = await get(url, addresses, signal);
      const { statusCode = 0, headers } = response;
      if (statusCode < 300 || statusCode >= 400) return readText(url, response);
      response.destroy();
      if (headers.location === undefined) {
        throw new ToolRefusal(`${url.href} answered ${statusCode} without an address to go to.`);
      }
      url = parsed(headers.location, url);
    }
    throw new ToolRefusal(
      `${start} redirects more than ${redirectsMax} times; fetch the final URL.`,
    );
  }

  /** What becomes of a host is told before anything happens to it. */
  async #told(url: URL, { allow, contact }: Way): Promise<readonly Address[]> {
    const host = `${hostOf(url)}:${portOf(url)}`;
    let addresses: readonly Address[];
    try {
      addresses = await this.#addressesOf(url, allow);
    } catch (error) {
      await contact(host, false);
      throw error;
    }
    await contact(host, true);
    return addresses;
  }

  /** The checked addresses to connect to. */
  async #addressesOf(url: URL, allow: readonly string[]): Promise<readonly Address[]> {
    const host = hostOf(url);
    const isExplicit = allow.some((entry) => entry.toLowerCase() === `${host}:${portOf(url)}`);
    if (!isExplicit && !allow.some((entry) => matches(host, entry.toLowerCase()))) {
      const hosts = allow.length > 0 ? `only these hosts are: ${allow.join(", ")}` : "no host is";
      throw new ToolRefusal(`${host} is not allowed; ${hosts}. Work without it or ask a person.`);
    }
    const literal = host.replace(/^\[|\]$/g, "");
    const family = isIP(literal);
    if (family !== 0 && !isExplicit) {
      throw new ToolRefusal(`${host} is an address; use the host's name.`);
    }
    const addresses = family === 0 ? await this.#lookUp(host) : [{ address: literal, family }];
    if (!isExplicit && !addresses.every(isPublic)) {
      throw new ToolRefusal(`${host} leads into a private network, which is never fetched from.`);
    }
    return addresses;
  }

  async #lookUp(host: string): Promise<readonly Address[]> {
    let addresses: readonly Address[] = [];
    try {
      addresses = await this.#resolve(host);
    } catch (cause) {
      throw new ToolRefusal(`There is no host ${host}; check the spelling.`, { cause });
    }
    if (addresses.length === 0) throw new ToolRefusal(`The host ${host} has no address.`);
    return addresses;
  }
}

function parsed(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) throw new ToolRefusal(`"${text}" is no URL; write it as https://host/path.`);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new ToolRefusal(`${url.protocol} URLs are not fetched; use https.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new ToolRefusal("URLs with a user or password are not fetched; leave them out.");
  }
  return url;
}

function hostOf(url: URL): string {
  return url.hostname.toLowerCase().replace(/\.$/, "");
}

function portOf(url: URL): string {
  if (url.port !== "") return url.port;
  return url.protocol === "https:" ? "443" : "80";
}

function matches(host: string, entry: string): boolean {
  if (entry.startsWith("*."))
    return host.endsWith(entry.slice(1)) && host.length > entry.length - 1;
  return host === entry;
}

// ── addresses ────────────────────────────────────────────────────────────────────────────────

const special = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  special.addSubnet(network, prefix, "ipv4");
}
// Of the global block those that are reserved or hide an IPv4 address in themselves.
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  special.addSubnet(network, prefix, "ipv6");
}
const global = new BlockList();
global.addSubnet("2000::", 3, "ipv6");

function isPublic({ address, family }: Address): boolean {
  if (family === 4) return !special.check(address, "ipv4");
  return global.check(address, "ipv6") && !special.check(address, "ipv6");
}

// ── one request ──────────────────────────────────────────────────────────────────────────────

function get(
  url: URL,
  addresses: readonly Address[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const found: LookupFunction = (_host, options, done) => {
    const [first] = addresses;
    if (options.all) done(null, [...addresses]);
    else if (first) done(null, first.address, first.family);
  };
  const options: RequestOptions = {
    agent: false,
    headers: {
      accept: "text/html, text/*, application/json, */*;q=0.1",
      "accept-encoding": "identity",
      "user-agent": "taskdaemon",
    },
    lookup: found,
    signal,
  };
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? getHttps : getHttp;
    send(url, options, resolve).on("error", (cause) => {
      reject(new ToolRefusal(`${url.host} cannot be reached (${cause.message}).`, { cause }));
    });
  });
}

async function readText(url: URL, response: IncomingMessage): Promise<string> {
  const { statusCode = 0, headers } = response;
  const type = headers["content-type"]?.toLowerCase() ?? "text/plain";
  const encoding = headers["content-encoding"] ?? "identity";
  const refuse = (why: string) => {
    response.destroy();
    return new ToolRefusal(`${url.href} ${why}`);
  };
  if (statusCode < 200 || statusCode >= 300) {
    throw refuse(`answered ${statusCode} ${response.statusMessage ?? ""}.`.replace(" .", "."));
  }
  if (!textTypes.test(type)) throw refuse(`is ${type}, not text; fetch a page or a text file.`);
  if (encoding !== "identity") throw refuse(`is compressed (${encoding}); fetch another URL.`);
  const { bytes, isWhole } = await readBytes(url, response);
  const text = decoded(bytes, /charset=["']?([\w-]+)/.exec(type)?.[1] ?? "utf-8");
  if (text.includes("\0")) throw refuse("is binary, not text; fetch a page or a text file.");
  const plain = type.startsWith("text/html") ? textOfHtml(text) : text;
  return isWhole ? plain : `${plain}\n[cut: ${url.href} is longer than ${bodyBytesMax} bytes]`;
}

async function readBytes(
  url: URL,
  response: IncomingMessage,
): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      const bytes = chunk as Buffer;
      chunks.push(bytes.subarray(0, bodyBytesMax - length));
      length += bytes.length;
      if (length > bodyBytesMax) break;
    }
  } catch (cause) {
    throw new ToolRefusal(`${url.host} broke off; try again.`, { cause });
  }
  return { bytes: Buffer.concat(chunks), isWhole: length <= bodyBytesMax };
}

function decoded(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // A charset that nobody knows: what is ASCII of it can still be read.
    return new TextDecoder().decode(bytes);
  }
}

// ── HTML ─────────────────────────────────────────────────────────────────────────────────────

const unread = new Set(["script", "style", "noscript", "svg", "template", "head"]);
const inline = new Set(
  "a abbr b code em i kbd mark q s small span strong sub sup tt u var".split(" "),
);
const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

/** The words of a page, roughly as it breaks lines. Linear: it only goes forward. */
export function textOfHtml(html: string): string {
  // Letter by letter, so that places stay the same.
  const lower = html.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
  const parts: string[] = [];
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    parts.push(html.slice(at, open === -1 ? undefined : open).replace(/\s+/g, " "));
    if (open === -1) break;
    const tag = tagAt(lower, open);
    if (!inline.has(tag.name)) parts.push(tag.name === "" ? "<" : "\n");
    at = tag.end;
  }
  const text = parts
    .join("")
    .replace(/ +/g, " ")
    .replace(/ ?\n[ \n]*/g, "\n");
  return text.replace(/&(#\d{1,7}|#x[0-9a-f]{1,6}|\w{1,8});/gi, entity).trim();
}

/** The tag that begins at `open`, and where to read on; no name when it is only a "<". */
function tagAt(lower: string, open: number): { name: string; end: number } {
  const after = (mark: string, from: number): number => {
    const found = lower.indexOf(mark, from);
    return found === -1 ? lower.length : found + mark.length;
  };
  if (lower.startsWith("<!--", open)) return { name: "!--", end: after("-->", open + 4) };
  const name = /^<[/!?]?([a-z][a-z0-9-]*)/.exec(lower.slice(open, open + 40))?.[1];
  if (name === undefined) return { name: "", end: open + 1 };
  const isUnread = unread.has(name) && lower[open + 1] !== "/";
  return { name, end: after(">", isUnread ? after(`</${name}`, open) : open) };
}

function entity(whole: string, name: string): string {
  const isHex = /^#x/i.test(name);
  if (!name.startsWith("#")) return entities[name.toLowerCase()] ?? whole;
  const code = Number.parseInt(name.slice(isHex ? 2 : 1), isHex ? 16 : 10);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}
