import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export type Answer = (response: ServerResponse, request: IncomingMessage, body: string) => unknown;

/** Serves one answer to every request until the test is over. */
export async function serve(answer: Answer): Promise<string> {
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    await answer(response, incoming, Buffer.concat(chunks).toString());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function sse(response: ServerResponse, events: readonly string[]): ServerResponse {
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(events.join(""));
  return response;
}

/** A port of this machine where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
