import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { exitCodes } from "../protocol/errors.ts";
import { login } from "../protocol/schemas.ts";
import type { Asset } from "./assets.ts";
import { type Refused, safetyHeaders, WebGuard } from "./web-guard.ts";

/** What both doors lead to. */
export interface Serving {
  answer(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface WebDoorOptions {
  /** 0: any that is free. */
  readonly port: number;
  readonly token: string;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly serving: Serving;
}

export interface WebDoor {
  readonly port: number;
  close(): Promise<void>;
}

/** Nobody needs more than that of a dashboard. */
const connectionsMax = 500;
const loginBytesMax = 1_024;
/** Answers under way when the door closes may take so long. */
const answerMsMax = 1_000;

/** The page and the daemon's routes at a port of this machine, for who has the token. */
export async function openWebDoor(options: WebDoorOptions): Promise<WebDoor> {
  const server = createServer();
  server.maxConnections = connectionsMax;
  await listening(server, options.port);
  const { port } = server.address() as AddressInfo;
  const guard = new WebGuard(port, options.token);
  server.on("request", (request, response) => answer(options, guard, request, response));
  server.on("upgrade", (request, socket, head) => {
    const asked = { method: "GET", headers: request.headers, opensFeed: true };
    const refused = guard.place(asked) ?? guard.person(request.headers);
    if (refused === null) options.serving.upgrade(request, socket, head);
    else {
      socket.on("error", () => socket.destroy());
      socket.end(`HTTP/1.1 ${refused.status} Refused\r\nConnection: close\r\n\r\n`);
    }
  });
  return { port, close: () => close(server) };
}

function answer(
  { assets, serving }: WebDoorOptions,
  guard: WebGuard,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method = "GET", headers } = request;
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  for (const [name, value] of Object.entries(safetyHeaders(headers.host ?? ""))) {
    response.setHeader(name, value);
  }
  const isApi = path.startsWith("/v1/") || path === "/metrics";
  const refused =
    guard.place({ method, headers, opensFeed: false }) ?? (isApi ? guard.person(headers) : null);
  if (isApi) response.setHeader("cache-control", "no-store");
  if (refused !== null) refuse(response, refused);
  else if (isApi) serving.answer(request, response);
  else if (path === "/login" && method === "POST") signIn(guard, request, response);
  else page(assets, path, method, response);
}

function refuse(response: ServerResponse, { status, error }: Refused): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify({ error, exitCode: exitCodes.person }));
}

/** The token for a cookie. */
function signIn(guard: WebGuard, request: IncomingMessage, response: ServerResponse): void {
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => {
    text += chunk;
    if (text.length > loginBytesMax) request.destroy();
  });
  request.on("error", () => response.destroy());
  request.on("end", () => {
    const given = login.safeParse(parsed(text));
    if (!given.success || !guard.holds(given.data.token)) {
      const error = "this link is not of the daemon that runs: `td dashboard` prints the right one";
      refuse(response, { status: 401, error });
      return;
    }
    response.writeHead(204, { "set-cookie": guard.cookie(), "cache-control": "no-store" });
    response.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Views of the one page, such as `/loop/7.2`. */
const view = /^\/(?:[a-z]{1,20}(?:\/[\d.]{1,100})?)?$/;

function page(
  assets: ReadonlyMap<string, Asset>,
  path: string,
  method: string,
  response: ServerResponse,
): void {
  const asset = assets.get(view.test(path) ? "/index.html" : path);
  if (asset === undefined || !["GET", "HEAD"].includes(method)) {
    const text = assets.size === 0 ? "the page was not built: npm run build" : "not found";
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
    response.end(text);
    return;
  }
  response.writeHead(200, {
    "content-type": asset.type,
    "content-length": asset.body.length,
    "cache-control": asset.isHashed ? "public, max-age=31536000, immutable" : "no-store",
  });
  response.end(method === "HEAD" ? undefined : asset.body);
}

async function listening(server: Server, port: number): Promise<void> {
  const bound = Promise.withResolvers<void>();
  server.once("error", bound.reject);
  server.listen(port, "127.0.0.1", bound.resolve);
  await bound.promise;
  server.off("error", bound.reject);
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), answerMsMax);
  await closed;
  clearTimeout(timer);
}
