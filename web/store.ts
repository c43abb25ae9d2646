/** What the daemon tells this tab, as it is now. One WebSocket; whoever draws subscribes. */
import { useSyncExternalStore } from "react";
import type { LiveEvent } from "../src/ports.ts";
import type { BoardMessage, BoardRow } from "../src/protocol/board.ts";
import type { StatusView } from "../src/protocol/status.ts";
import { byId } from "../src/views/graph.ts";
import { api, Refusal } from "./api.ts";

export interface Seen {
  readonly connection: "connecting" | "live" | "lost" | "signedOut";
  /** Why the link with which one came did not sign in. */
  readonly refusal: string | null;
  /** In the order of their ids. */
  readonly rows: readonly BoardRow[];
  readonly rowOf: ReadonlyMap<string, BoardRow>;
  /** The newest step of each loop at work. */
  readonly steps: ReadonlyMap<string, LiveEvent>;
  readonly status: StatusView | null;
  /** What goes by in the loop that is looked at. */
  readonly live: readonly LiveEvent[];
}

const retryMsMin = 250;
const retryMsMax = 5_000;
/** Of a loop's output, in the page. */
const liveMax = 2_000;

let seen: Seen = {
  connection: "connecting",
  refusal: null,
  rows: [],
  rowOf: new Map(),
  steps: new Map(),
  status: null,
  live: [],
};
const listeners = new Set<() => void>();
let socket: WebSocket | null = null;
let focus: string | null = null;
let seq = 0;
let retryMs = retryMsMin;
/** Pages of a snapshot that is not complete yet. */
let coming: BoardRow[] = [];

function change(next: Partial<Seen>): void {
  seen = { ...seen, ...next };
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** One part of what is seen; `select` must give the same value while that part is the same. */
export function useSeen<T>(select: (now: Seen) => T): T {
  return useSyncExternalStore(subscribe, () => select(seen));
}

/** Opens the board; it comes back by itself whenever it is lost. */
export function connect({ refusal }: Partial<Pick<Seen, "refusal">> = {}): void {
  if (refusal !== undefined) change({ refusal });
  const resume = seq === 0 ? "" : `?from=${seq + 1}`;
  const opened = new WebSocket(`ws://${location.host}/v1/board${resume}`);
  socket = opened;
  opened.addEventListener("message", ({ data }) => take(JSON.parse(String(data)) as BoardMessage));
  opened.addEventListener("close", () => {
    if (socket === opened) lost();
  });
}

function lost(): void {
  socket = null;
  if (seen.connection !== "signedOut") change({ connection: "lost" });
  setTimeout(() => {
    // A socket does not say why it was refused.
    api.ping().then(
      () => connect(),
      (error: unknown) => {
        const isSignedOut = error instanceof Refusal && error.status === 401;
        change({ connection: isSignedOut ? "signedOut" : "lost" });
        if (!isSignedOut) lost();
      },
    );
  }, retryMs);
  retryMs = Math.min(retryMs * 2, retryMsMax);
}

/** Signs in, and begins anew. */
export async function signIn(token: string): Promise<void> {
  await api.signIn(token);
  change({ connection: "connecting" });
  connect();
}

function take(message: BoardMessage): void {
  switch (message.kind) {
    case "snapshot":
      if (message.isFirst) coming = [];
      coming.push(...message.rows);
      if (!message.isLast) return;
      seq = message.seq;
      arrived(coming);
      coming = [];
      return;
    case "rows":
      seq = Math.max(seq, message.seq);
      merge(message.rows);
      return;
    case "steps": {
      const steps = new Map(seen.steps);
      for (const event of message.events) steps.set(event.loop, event);
      change({ steps });
      return;
    }
    case "live":
      if (message.loop === focus) change({ live: joined(seen.live, message.events) });
      return;
    case "status":
      change({ status: message.status });
      return;
    default:
      message satisfies never;
  }
}

function arrived(all: readonly BoardRow[]): void {
  retryMs = retryMsMin;
  const rows = [...all].sort(byId);
  change({ connection: "live", rows, rowOf: new Map(rows.map((row) => [row.id, row])) });
  if (focus !== null) look(focus);
}

function merge(changed: readonly BoardRow[]): void {
  if (seen.connection !== "live") {
    retryMs = retryMsMin;
    if (focus !== null) look(focus);
  }
  const rowOf = new Map(seen.rowOf);
  for (const row of changed) rowOf.set(row.id, row);
  const isNew = rowOf.size !== seen.rowOf.size;
  const rows = isNew
    ? [...rowOf.values()].sort(byId)
    : seen.rows.map((row) => rowOf.get(row.id) ?? row);
  change({ connection: "live", rows, rowOf });
}

/** Text comes in crumbs: those that follow one another are one. */
function joined(before: readonly LiveEvent[], more: readonly LiveEvent[]): LiveEvent[] {
  const all = [...before];
  for (const event of more) {
    const last = all.at(-1);
    if (event.type === "text" && last?.type === "text" && last.iteration === event.iteration) {
      all[all.length - 1] = { ...last, text: last.text + event.text };
    } else all.push(event);
  }
  return all.slice(-liveMax);
}

/** Says which loop is looked at: all that goes by in it comes too. */
export function look(id: string | null): void {
  focus = id;
  if (seen.live.length > 0) change({ live: [] });
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ focus }));
}
