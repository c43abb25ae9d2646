import type { Buffer } from "node:buffer";
import { type IncomingMessage, request } from "node:http";
import { connect as connectSocket, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { connectDoor } from "../../src/client/connect.ts";
import type { Desk as Served } from "../../src/protocol/desk.ts";
import type { FeedEvent } from "../../src/protocol/door.ts";
import { openApi } from "../../src/protocol/open-api.ts";
import { createApp } from "../../src/server/app.ts";
import { mending, runDetached, status, until, untilStatus, withDaemon } from "./daemon-support.ts";
import { type Desk, td } from "./program.ts";
import { loopTimeoutMs, removePlaces, shell } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs, maxConcurrency: 2 });
afterAll(removePlaces);

const socketOf = ({ home }: Desk) => join(home, "daemon.sock");

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** As it is: no client of ours checks anything first. */
function ask(desk: Desk, method: string, path: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: socketOf(desk), method, path, agent: false });
    asking.on("error", reject);
    asking.on("response", (response: IncomingMessage) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        const isJson = response.headers["content-type"]?.includes("json") === true;
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
      });
    });
    asking.end(body);
  });
}

function refusal(status: number, exitCode: number, says: RegExp): Answer {
  return { status, body: { error: expect.stringMatching(says), exitCode } };
}

const run = {
  type: "ralph",
  task: "Mend it.",
  dir: "/nowhere",
  validate: "true",
  iterationsMax: null,
  model: null,
  budgetUsd: null,
  base: null,
  priority: "normal",
  after: [],
  deliver: null,
};
const json = (value: unknown) => JSON.stringify(value);

/** Method, path, body, status, exit code, words. */
const refusals: readonly [string, string, string | undefined, number, number, RegExp][] = [
  ["GET", "/v1/nothing", undefined, 404, 8, /there is no/],
  ["DELETE", "/v1/loops/1", undefined, 404, 8, /there is no/],
  ["GET", "/", undefined, 404, 8, /there is no/],
  ["GET", "/v1/loops/1", undefined, 404, 8, /no loop/],
  ["GET", "/v1/loops/1?all=yes", undefined, 404, 8, /no loop/],
  ["GET", "/v1/loops?owner=me", undefined, 400, 2, /query/],
  ["GET", "/v1/loops/..", undefined, 404, 8, /there is no/],
  ["GET", "/v1/loops/%2e%2e/diff", undefined, 404, 8, /there is no/],
  ["GET", "/v1/loops/..%2f..%2fetc%2fpasswd", undefined, 400, 2, /loop id/],
  ["GET", "/v1/loops/%252e%252e/diff", undefined, 400, 2, /loop id/],
  ["GET", "/v1/loops/1%00/diff", undefined, 400, 2, /loop id/],
  ["GET", "/v1/loops/%E0%A4%A", undefined, 400, 2, /loop id/],
  ["GET", `/v1/loops/${"1.".repeat(2_000)}1`, undefined, 400, 2, /loop id/],
  ["GET", `/v1/loops/${"9".repeat(11)}`, undefined, 400, 2, /loop id/],
  ["GET", "/v1/loops/1/iterations/..%2f1", undefined, 400, 2, /path/],
  ["GET", "/v1/loops/1/iterations/1e99", undefined, 400, 2, /path/],
  ["GET", "/v1/events?from=-1", undefined, 400, 2, /query/],
  ["POST", "/v1/loops", undefined, 400, 2, /not JSON/],
  ["POST", "/v1/loops", "{", 400, 2, /not JSON/],
  ["POST", "/v1/loops", "[]", 400, 2, /body/],
  ["POST", "/v1/loops", "null", 400, 2, /body/],
  ["POST", "/v1/loops", json(run), 400, 2, /body/],
  ["POST", "/v1/loops", json([{ ...run, owner: "me" }]), 400, 2, /owner/],
  ["POST", "/v1/loops", `[{"__proto__":{},${json(run).slice(1)}]`, 400, 2, /proto/],
  ["POST", "/v1/loops", json([{ ...run, dir: "here" }]), 400, 2, /dir/],
  ["POST", "/v1/loops", json([{ ...run, after: ["../1"] }]), 400, 2, /loop id/],
  ["POST", "/v1/loops", json([run]), 400, 2, /nowhere/],
  ["POST", "/v1/plan", json(run), 400, 2, /nowhere/],
  ["POST", "/v1/loops/1/stop", undefined, 404, 8, /no loop/],
  ["POST", "/v1/loops/1/resume", json({ iterationsMax: 0 }), 400, 2, /iterationsMax/],
  ["POST", "/v1/loops/1/answer", json({ text: "" }), 400, 2, /text/],
  ["POST", "/v1/shutdown", json({ now: "yes" }), 400, 2, /now/],
  ["POST", "/v1/shutdown", json({}), 400, 2, /now/],
];

test("what is wrong is refused in JSON with the exit code it means, and nothing happens", () =>
  withDaemon(mending, async (desk) => {
    for (const [method, path, body, wanted, exitCode, says] of refusals) {
      const answer = await ask(desk, method, path, body);
      const { request: _, ...told } = answer.body as { request?: number };
      expect({ path, body, answer: { ...answer, body: told } }).toEqual({
        path,
        body,
        answer: refusal(wanted, exitCode, says),
      });
    }
    expect(await tooMuch(desk)).toMatch(/^HTTP\/1.1 413 .*"exitCode":3\}/s);
    expect(await status(desk)).toMatchObject({ draining: false, store: { seq: 0 } });
  }));

/** A body that is announced as too large is refused before anybody sends it. */
async function tooMuch(desk: Desk): Promise<string> {
  const socket = connectSocket(socketOf(desk));
  const heard = Promise.withResolvers<string>();
  let text = "";
  socket.on("error", heard.reject);
  socket.on("data", (bytes) => {
    text += bytes.toString("utf8");
    if (text.includes("exitCode")) heard.resolve(text);
  });
  socket.write(`POST /v1/loops HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${2 ** 26}\r\n\r\n[`);
  const said = await heard.promise;
  socket.destroy();
  return said;
}

test("bytes that are no request do not end the daemon", () =>
  withDaemon(mending, async (desk) => {
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nHost: localhost\r\n\r\n";
    const texts = [
      "nonsense\r\n\r\n",
      "GET /v1/ping HTTP/1.1\r\n\r\n",
      "GET /v1/ping HTTP/1.1\r\nHost: a b/c\r\n\r\n",
      `GET // HTTP/1.1\r\n${upgrade}`,
      `GET /v1/feed?from=1 HTTP/1.1\r\n${upgrade}`,
      `GET /v1/feed?from=x HTTP/1.1\r\n${upgrade}`,
      `GET /v1/feed?loop=../1 HTTP/1.1\r\n${upgrade}`,
      `GET /v1/other HTTP/1.1\r\n${upgrade}`,
      "POST /v1/loops HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n[",
    ];
    const { pid } = await status(desk);
    for (const text of texts) {
      for (const isReset of [false, true]) await send(desk, text, isReset);
    }
    expect((await status(desk)).pid).toBe(pid);
  }));

/** Sends a text and hears what comes, or goes at once. */
async function send(desk: Desk, text: string, isReset: boolean): Promise<void> {
  const socket: Socket = connectSocket(socketOf(desk));
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.resume();
  socket.write(text, () => {
    if (isReset) socket.destroy();
    else socket.end();
  });
  await Promise.race([closed, setTimeout(2_000)]);
  socket.destroy();
}

test.runIf(process.getuid?.() === 0)("another user cannot connect", () =>
  withDaemon(mending, async (desk) => {
    const script = `require("node:net").connect(process.argv[1])
      .on("error", (e) => console.log(e.code)).on("connect", () => process.exit(9))`;
    const said = await shell(
      "/",
      `setpriv --reuid 65534 --regid 65534 --clear-groups node -e '${script}' '${socketOf(desk)}'`,
    );
    expect(said).toBe("EACCES\n");
  }),
);

test("the OpenAPI document lists every route that is served, and no other", () => {
  const desk = {} as Served;
  const app = createApp({ version: "0", desk, asUserError: (error) => error, report: () => {} });
  const served = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const { paths } = openApi("0") as { paths: Record<string, Record<string, object>> };
  const told = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  // The listener has both of these before the routes: one is a WebSocket, one describes itself.
  const live = ["get /v1/feed", "get /v1/board"];
  const itself = "get /v1/openapi.json";
  expect(told.filter((route) => !live.includes(route) && route !== itself).sort()).toEqual(
    served.filter((route) => route !== itself).sort(),
  );
});

// ── the feed ─────────────────────────────────────────────────────────────────────────────────

interface Heard {
  readonly events: readonly FeedEvent[];
  readonly live: number;
}

/** Everything from a number on until `seq` is there. */
function hear(desk: Desk, from: number, seq: number): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const events: FeedEvent[] = [];
    let live = 0;
    const feed = new WebSocket(`ws+unix://${socketOf(desk)}:/v1/feed?from=${from}`);
    feed.on("error", reject);
    feed.on("message", (text: Buffer) => {
      const message = JSON.parse(text.toString("utf8")) as { kind: string; event: FeedEvent };
      if (message.kind === "live") live += 1;
      else events.push(message.event);
      if (events.at(-1)?.seq !== seq) return;
      feed.terminate();
      resolve({ events, live });
    });
  });
}

test("the feed goes on without gaps from any number", () =>
  withDaemon(mending, async (desk) => {
    const begin = hear(desk, 1, 6);
    const { id } = await runDetached(desk);
    const first = await begin;
    expect(first.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    const rest = hear(desk, 7, 12);
    await untilStatus(desk, id, "complete");
    expect((await rest).events.map(({ seq }) => seq)).toEqual([7, 8, 9, 10, 11, 12]);
    const { seq } = (await status(desk)).store;
    const whole = await hear(desk, 1, seq);
    expect(whole.events.map((event) => event.seq)).toEqual(
      Array.from({ length: seq }, (_, index) => index + 1),
    );
    expect(whole.events.slice(0, 6)).toEqual(first.events);
  }));

test("events come a page at a time, and the client follows to the end", () =>
  withDaemon(
    mending,
    async (desk) => {
      const atOnce = 400;
      const body = json(
        Array.from({ length: atOnce }, () => ({ ...run, dir: desk.repo, priority: "low" })),
      );
      for (let n = 0; n < 4; n += 1) {
        expect((await ask(desk, "POST", "/v1/loops", body)).status).toBe(201);
      }
      const { seq } = (await status(desk)).store;
      expect(seq).toBeGreaterThanOrEqual(4 * atOnce);
      const page = (await ask(desk, "GET", "/v1/events?from=1")).body as FeedEvent[];
      expect(page.length).toBeGreaterThanOrEqual(1_000);
      // What was decided together stays together.
      expect(page.length).toBeLessThan(1_000 + atOnce);
      const keeper = { isThere: () => false, lastWords: () => "" };
      const all = await connectDoor(socketOf(desk), keeper).events(1);
      expect(all.length).toBeGreaterThanOrEqual(seq);
      expect(all.map((event) => event.seq)).toEqual(all.map((_, index) => index + 1));
      expect((await hear(desk, 1, seq)).events.length).toBeGreaterThanOrEqual(seq);
    },
    { config: "concurrency: { loops: 1 }\n" },
  ));

test("who does not read is dropped with 4001 and a number, and nobody else waits", () =>
  withDaemon(mending, async (desk) => {
    const { id } = await runDetached(desk);
    await untilStatus(desk, id, "complete");
    const closed = Promise.withResolvers<{ code: number; reason: string; last: number }>();
    const feed = new WebSocket(`ws+unix://${socketOf(desk)}:/v1/feed?from=1`);
    let last = 0;
    feed.on("message", (text: Buffer) => {
      const message = JSON.parse(text.toString("utf8")) as { kind: string; event: FeedEvent };
      if (message.kind === "event") last = message.event.seq;
    });
    feed.on("close", (code, reason) => closed.resolve({ code, reason: reason.toString(), last }));
    await until("it is open", () => feed.readyState === feed.OPEN);
    feed.pause();
    const task = "x".repeat(900_000);
    for (let count = 0; count < 14; count += 1) {
      const body = json([{ ...run, dir: desk.repo, task, after: ["1"], priority: "low" }]);
      expect((await ask(desk, "POST", "/v1/loops", body)).status).toBe(201);
    }
    expect(await td(desk, ["ping"])).toMatchObject({ code: 0 });
    feed.resume();
    const { code, reason, last: seen } = await closed.promise;
    expect({ code, reason }).toEqual({ code: 4001, reason: `too slow: resume from ${seen + 1}` });
    // Who reads has all of it, however much there is.
    const { seq } = (await status(desk)).store;
    const { events } = await hear(desk, 1, seq);
    // Its loops go on meanwhile: there may be more than were asked for, and never a gap.
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.length).toBeGreaterThanOrEqual(seq);
  }));
