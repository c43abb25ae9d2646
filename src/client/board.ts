import type { Buffer } from "node:buffer";
import { connect as connectSocket } from "node:net";
import { WebSocket } from "ws";
import type { BoardMessage } from "../protocol/board.ts";
import type { BoardHearing, BoardLink } from "../protocol/board-link.ts";

const retryMs = 250;
const retryMsMax = 2_000;

/**
 * Stays connected until it is closed: after a loss it goes on from the last number it has seen. The
 * daemon is spoken to over its own socket, so what it says has its form.
 */
export function connectBoard(socket: string, { hear, linked }: BoardHearing): BoardLink {
  let next: number | null = null;
  let focus: string | null = null;
  let isClosed = false;
  let waitMs = retryMs;
  let client: WebSocket | null = null;
  let timer: NodeJS.Timeout | null = null;

  const look = () => {
    if (client?.readyState === WebSocket.OPEN) client.send(JSON.stringify({ focus }));
  };
  const open = () => {
    const from = next === null ? "" : `?from=${next}`;
    // Not by a ws+unix address, in which a path may not be any path.
    const board = new WebSocket(`ws://localhost/v1/board${from}`, {
      createConnection: () => connectSocket(socket),
    });
    client = board;
    board.on("open", () => {
      waitMs = retryMs;
      linked(true);
      look();
    });
    board.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as BoardMessage;
      if ("seq" in message && message.seq > 0) next = message.seq + 1;
      hear(message);
    });
    board.on("error", () => undefined);
    board.on("close", () => {
      if (isClosed) return;
      linked(false);
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(waitMs * 2, retryMsMax);
    });
  };
  open();
  return {
    focus: (id) => {
      if (focus === id) return;
      focus = id;
      look();
    },
    close: () => {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      client?.terminate();
    },
  };
}
