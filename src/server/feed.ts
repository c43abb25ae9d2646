import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Desk } from "../protocol/desk.ts";
import type { FeedEvent } from "../protocol/door.ts";
import { feedQuery } from "../protocol/schemas.ts";
import { Board } from "./board.ts";

/** What a subscriber may have unread before it is dropped. */
const unreadBytesMax = 8 * 1024 * 1024;
/** Who takes nothing of the past for so long does not read. */
const unreadMsMax = 20_000;
/** The past is sent as fast as it is read; so little of it need not be. */
const fewEvents = 100;
const replaysMax = 1_000_000;
const subscribersMax = 1_000;
const messageBytesMax = 64 * 1024;
/** Close code of our own: too slow, resume from the number in the reason. */
const tooSlow = 4001;

/**
 * The live feed: `{"kind":"event",…}` durable and numbered without gaps from `from` on,
 * `{"kind":"live",…}` as it happens. At `/v1/board` rows for screens. A subscriber that cannot
 * keep up is dropped and told.
 */
export function createFeed(desk: Desk): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Tells every subscriber that the end has come. */
  close(): void;
  /** Does not wait until they have heard it. */
  cut(): void;
} {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax });
  const board = new Board(desk);
  return {
    upgrade: (request, socket, head) => {
      // Until `ws` has the connection nobody else hears its errors.
      const drop = () => socket.destroy();
      socket.on("error", drop);
      const url = URL.parse(request.url ?? "/", "http://daemon");
      const query = feedQuery.safeParse(Object.fromEntries(url?.searchParams ?? []));
      const isBoard = url?.pathname === "/v1/board";
      if ((!isBoard && url?.pathname !== "/v1/feed") || !query.success) {
        socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        return;
      }
      if (sockets.clients.size >= subscribersMax) {
        socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => {
        socket.off("error", drop);
        const { from, loop } = query.data;
        if (isBoard) board.serve(client, from ?? null);
        else serve(desk, client, from ?? null, loop ?? null);
      });
    },
    close: () => {
      for (const client of sockets.clients) client.close(1001, "the daemon stops");
      sockets.close();
    },
    cut: () => {
      for (const client of sockets.clients) client.terminate();
    },
  };
}

function serve(desk: Desk, client: WebSocket, from: number | null, loop: string | null): void {
  let next = from ?? 0;
  const ways: (() => void)[] = [];
  const leaveAll = () => {
    for (const leave of ways.splice(0)) leave();
  };
  // `ws` cuts who does not read what is left, with this at its end, within half a minute.
  const drop = () => {
    client.close(tooSlow, `too slow: resume from ${next}`);
    leaveAll();
  };
  const send = (message: object): boolean => {
    if (client.readyState !== client.OPEN) return false;
    if (client.bufferedAmount > unreadBytesMax) {
      drop();
      return false;
    }
    client.send(JSON.stringify(message));
    return true;
  };
  client.on("close", leaveAll);
  client.on("error", () => client.terminate());
  ways.push(
    desk.watch(loop, (event) => {
      send({ kind: "live", event });
    }),
  );
  if (from === null) return;
  const wants = (event: FeedEvent) => loop === null || event.loop === loop;
  const isOpen = () => client.readyState === client.OPEN;
  const follow = async () => {
    for (let replays = 0; replays < replaysMax; replays += 1) {
      const page = await desk.events(next);
      const past = page.filter(wants);
      const sentCount = await sendInTurn(client, past);
      const stopped = past[sentCount];
      next = stopped?.seq ?? after(page, next);
      if (!isOpen()) return;
      if (stopped !== undefined) return drop();
      if (page.length < fewEvents) break;
    }
    const leave = await desk.follow(next, (event) => {
      if (wants(event) && send({ kind: "event", event })) next = event.seq + 1;
    });
    if (isOpen()) ways.push(leave);
    else leave();
  };
  follow().catch(() => client.close(1011, "the log cannot be read"));
}

function after(page: readonly FeedEvent[], from: number): number {
  const last = page.at(-1);
  return last === undefined ? from : last.seq + 1;
}

/** Resolves to how many of them the system has taken. */
async function sendInTurn(client: WebSocket, events: readonly FeedEvent[]): Promise<number> {
  for (const [index, event] of events.entries()) {
    if (client.readyState !== client.OPEN) return index;
    if (!(await sent(client, { kind: "event", event }))) return index;
  }
  return events.length;
}

/** Resolves once the system has taken it; to false when nobody reads. */
async function sent(client: WebSocket, message: object): Promise<boolean> {
  const taken = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => taken.resolve(false), unreadMsMax);
  client.send(JSON.stringify(message), (error) => taken.resolve(!error));
  const isTaken = await taken.promise;
  clearTimeout(timer);
  return isTaken;
}
