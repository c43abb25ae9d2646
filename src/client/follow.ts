import type { Buffer } from "node:buffer";
import { connect as connectSocket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import type { LiveEvent } from "../ports.ts";
import { feedMessageOf, unknownAnswer } from "../protocol/answers.ts";
import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";

/** A daemon that crashed is started again by its guardian, after a while. */
const crashMsMax = 60_000;
/** One that took its leave comes back at once (td restart, a new version), or not at all. */
const leaveMsMax = 10_000;
const pollMs = 250;
/** A loop that waits to start is asked why so often; the first time once this has passed. */
const whyEveryMs = 3_000;
const returnsMax = 1_000;
/** Close codes: the daemon stops; the daemon dropped us as too slow. */
const stopsCode = 1001;
const slowCode = 4001;

/** Who starts a daemon again that has crashed. */
export interface Keeper {
  isThere(): boolean;
  /** What the daemon said when it ended; empty when nothing. */
  lastWords(): string;
}

export interface Following {
  readonly socket: string;
  readonly keeper: Keeper;
  readonly door: Pick<Door, "loop" | "status" | "version" | "why">;
  readonly id: string;
  readonly watch: (event: LiveEvent) => void;
  readonly signal: AbortSignal;
}

/** Why nothing more is heard: it need not be, or the daemon has left, crashed, or dropped us. */
type End = "over" | "left" | "crashed" | "slow";

/** Watches a loop until it rests, across ends of its daemon. Aborting only ends the watching. */
export async function follow(following: Following): Promise<LoopView> {
  const { door, id, signal } = following;
  const look = new Look(following, (await door.status()).store.seq + 1, await door.loop(id));
  for (let returns = 0; returns < returnsMax; returns += 1) {
    const end = await look.on();
    if (end === "over") return look.view;
    if (end !== "slow" && !(await isBack(following, end))) {
      if (signal.aborted) return look.view;
      break;
    }
  }
  throw stopped(following);
}

/** Waits for the daemon's return and says so; false when it does not come in time. */
async function isBack(following: Following, end: "left" | "crashed"): Promise<boolean> {
  const { door, signal, keeper } = following;
  const waitMs = end === "left" ? leaveMsMax : crashMsMax;
  const what = end === "left" ? "stopped" : "is gone";
  note(following, `the daemon ${what}: waiting up to ${waitMs / 1_000} s for it to come back`);
  for (let waitedMs = 0; waitedMs < waitMs && !signal.aborted; waitedMs += pollMs) {
    await sleep(pollMs);
    if (end === "crashed" && waitedMs > leaveMsMax && !keeper.isThere()) return false;
    const version = await door.version().catch(nullIfUnreachable);
    if (version === null) continue;
    note(following, "the daemon is back, and the loop goes on");
    return true;
  }
  return false;
}

function note({ watch, id }: Following, text: string): void {
  watch({ type: "note", loop: id as LiveEvent["loop"], iteration: 0, text });
}

/** What was seen of the loop, and the number of the event that comes next. */
class Look {
  readonly #following: Following;
  #next: number;
  /** Why it waits, as last told. */
  #toldWhy = "";
  view: LoopView;

  constructor(following: Following, next: number, view: LoopView) {
    this.#following = following;
    this.#next = next;
    this.view = view;
  }

  /** Looks on from where it was, until there is nothing more to hear. */
  async on(): Promise<End> {
    const { socket, door, id, watch, signal } = this.#following;
    if (signal.aborted) return "over";
    const url = `ws://localhost/v1/feed?from=${this.#next}&loop=${id}`;
    // Not by a ws+unix address, in which a path may not be any path.
    const feed = new WebSocket(url, { createConnection: () => connectSocket(socket) });
    const ended = Promise.withResolvers<End>();
    const stop = () => ended.resolve("over");
    signal.addEventListener("abort", stop, { once: true });
    let looking = Promise.resolve();
    const look = () => {
      looking = looking
        .then(async () => {
          this.view = await door.loop(id);
          if (isAtRest(this.view)) ended.resolve("over");
        })
        .catch((error: unknown) => {
          if (isUnreachable(error)) ended.resolve("crashed");
          else ended.reject(error);
        });
    };
    const asking = setInterval(() => void this.#tellWhy(), whyEveryMs);
    feed.on("message", (data: Buffer) => {
      const told: unknown = JSON.parse(data.toString("utf8"));
      const message = feedMessageOf(told);
      if (message === null) return ended.reject(unknownAnswer(told));
      if (message.kind === "live") return watch(message.event);
      this.#next = message.event.seq + 1;
      if (message.event.type === "loop.status") look();
    });
    feed.on("open", look);
    feed.on("error", () => ended.resolve("crashed"));
    feed.on("close", (code) => ended.resolve(endOf(code)));
    try {
      return await ended.promise;
    } finally {
      clearInterval(asking);
      signal.removeEventListener("abort", stop);
      feed.terminate();
    }
  }

  /** Of a loop that has not begun nothing is heard but this. */
  async #tellWhy(): Promise<void> {
    const { door, id } = this.#following;
    if (this.view.status !== "pending") return;
    const why = await door.why(id).catch(() => null);
    if (why?.status !== "pending" || why.sentence === this.#toldWhy) return;
    this.#toldWhy = why.sentence;
    note(this.#following, `it waits: ${why.sentence}`);
  }
}

function endOf(code: number): End {
  if (code === slowCode) return "slow";
  return code === stopsCode ? "left" : "crashed";
}

function isUnreachable(error: unknown): boolean {
  return error instanceof UserError && error.exitCode === exitCodes.daemon;
}

function nullIfUnreachable(error: unknown): null {
  if (isUnreachable(error)) return null;
  throw error;
}

function stopped({ id, keeper }: Following): UserError {
  const words = keeper.lastWords();
  const why = words === "" ? "" : ` (${words})`;
  const message = `the daemon does not come back${why}; loop ${id} goes on when it starts again: td start`;
  return new UserError(exitCodes.daemon, message);
}

function isAtRest({ status }: LoopView): boolean {
  return status !== "pending" && status !== "running" && status !== "delegated";
}
