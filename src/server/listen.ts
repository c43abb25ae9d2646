import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { dirname } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { exitCodes } from "../protocol/errors.ts";
import { type AppOptions, createApp } from "./app.ts";
import { createFeed } from "./feed.ts";
import { foreignness } from "./foreign.ts";
import type { Serving } from "./web-door.ts";

/** Answers under way when the door closes may take so long. */
const answerMsMax = 1_000;

/** The socket, and what it leads to, for other doors; those close first. */
export interface SocketDoor {
  readonly serving: Serving;
  close(): Promise<void>;
}

/**
 * Opens the daemon's door at a Unix socket that only its user may use. Whoever calls holds the
 * home's lock, so a socket that is still there is a dead daemon's.
 */
export async function openSocket(path: string, options: AppOptions): Promise<SocketDoor> {
  const feed = createFeed(options.desk);
  const listener = getRequestListener(createApp(options).fetch);
  const answer: Serving["answer"] = (request, response) => void listener(request, response);
  const server = createServer((request, response) => {
    const why = foreignness(request);
    if (why === null) answer(request, response);
    else refuse(response, why);
  });
  server.on("upgrade", (request, socket, head) => {
    if (foreignness(request) === null) feed.upgrade(request, socket, head);
    else socket.on("error", () => socket.destroy()).end(forbidden);
  });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  await listening(server, path);
  await chmod(path, 0o600);
  return {
    serving: { answer, upgrade: feed.upgrade },
    close: async () => {
      feed.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Whoever asked for the end hears that it comes; who does not listen is not waited for.
      const timer = setTimeout(() => {
        feed.cut();
        server.closeAllConnections();
      }, answerMsMax);
      await closed;
      clearTimeout(timer);
      await rm(path, { force: true });
    },
  };
}

const forbidden = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n";

/** Whatever else it brings is not read. */
function refuse(response: ServerResponse, error: string): void {
  const headers = { "content-type": "application/json", connection: "close" };
  response.writeHead(403, headers).end(JSON.stringify({ error, exitCode: exitCodes.usage }));
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
}
