import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { postWebhook } from "../../../src/adapters/notify/webhook.ts";

const never = new AbortController().signal;
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

interface Got {
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that keeps what it is given, and answers that. */
async function taking(status: number, headers: Record<string, string> = {}) {
  const got: Got[] = [];
  const url = await listening((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      got.push({ path: request.url, headers: request.headers, body });
      response.writeHead(status, headers).end("x".repeat(100_000));
    });
  });
  return { url, got };
}

const hookOf = (url: string) => ({ url: `${url}/T0/secret-path`, secret: null, id: "7-1" });

test("the body comes whole, with its length in bytes and a signature that can be checked", async () => {
  const { url, got } = await taking(204);
  const body = JSON.stringify({ text: "写 😀 é" });
  const sent = await postWebhook({ ...hookOf(url), secret: "hush" }, body, never);
  expect(sent).toEqual({ ok: true });
  const [{ path, headers, body: came } = { path: "", headers: {}, body: "" }] = got;
  expect([path, came]).toEqual(["/T0/secret-path", body]);
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "x-taskdaemon-delivery": "7-1",
    "x-taskdaemon-signature": `sha256=${createHmac("sha256", "hush").update(came).digest("hex")}`,
  });
});

test("without a secret nothing is signed", async () => {
  const { url, got } = await taking(200);
  expect(await postWebhook(hookOf(url), "{}", never)).toEqual({ ok: true });
  expect(got[0]?.headers["x-taskdaemon-signature"]).toBeUndefined();
});

test.each([
  [500, true],
  [503, true],
  [429, true],
  [400, false],
  [410, false],
])("an answer of %d is a no; to be tried again: %s", async (status, again) => {
  const { url } = await taking(status);
  const host = new URL(url).host;
  const sent = await postWebhook(hookOf(url), "{}", never);
  expect(sent).toEqual({ ok: false, reason: `${host} answered ${status}`, again });
});

test("a redirect is not followed", async () => {
  const other = await taking(200);
  const { url } = await taking(307, { location: other.url });
  const sent = await postWebhook(hookOf(url), "{}", never);
  expect(sent).toMatchObject({ ok: false, again: false });
  expect(other.got).toEqual([]);
});

test("nobody there, and the address stays a secret", async () => {
  const url = await listening(() => undefined);
  servers.splice(0).map((server) => server.close());
  const sent = await postWebhook(hookOf(url), "{}", never);
  expect(sent).toEqual({ ok: false, reason: `${new URL(url).host}: ECONNREFUSED`, again: true });
});

test("who hangs is left when that is said", async () => {
  const halt = new AbortController();
  const url = await listening(() => halt.abort());
  expect(await postWebhook(hookOf(url), "{}", halt.signal)).toMatchObject({ ok: false });
});

test("an answer without an end is not waited for", async () => {
  const url = await listening((_, response) => {
    response.writeHead(200);
    response.write("x");
  });
  expect(await postWebhook(hookOf(url), "{}", never)).toEqual({ ok: true });
});
