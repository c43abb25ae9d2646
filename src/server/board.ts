import type { WebSocket } from "ws";
import type { LiveEvent } from "../ports.ts";
import type { BoardMessage, BoardRow } from "../protocol/board.ts";
import type { Desk } from "../protocol/desk.ts";
import { boardFocus } from "../protocol/schemas.ts";
import type { LoopView } from "../views/loop-view.ts";

/** What happens within this is one message. */
const tickMs = 100;
const statusEveryTicks = 10;
/** In one message. */
const rowsMax = 500;
/** Of so many loops, the newest, a screen is told. */
const boardRowsMax = 20_000;
/** Steps of one tick; more than that nobody reads. */
const liveMax = 500;
/** Who has missed more gets everything anew: as many as a page of the log has. */
const missedMax = 1_000;
/** What a screen may have unread before it is dropped. */
const unreadBytesMax = 8 * 1024 * 1024;
/** Who takes nothing for so long does not read. */
const unreadMsMax = 20_000;
/** Close code of our own, as the feed's: too slow, resume from the number in the reason. */
const tooSlow = 4001;

interface Screen {
  readonly client: WebSocket;
  focus: string | null;
  live: LiveEvent[];
  /** What changed while it was told what is there; null once it has been. */
  missed: Set<string> | null;
  leave: () => void;
}

/**
 * Rows for screens: every screen that looks is told the same, so it is made and written down once.
 * Nothing is watched while nobody looks.
 */
export class Board {
  readonly #desk: Desk;
  readonly #screens = new Set<Screen>();
  readonly #dirty = new Set<string>();
  readonly #steps = new Map<string, LiveEvent>();
  /** Those since the last tick. */
  readonly #fresh = new Map<string, LiveEvent>();
  #seq = 0;
  #ticks = 0;
  #watching: Promise<() => void> | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** `from` is the number of the first event it has not seen; null when it has seen nothing. */
  serve(client: WebSocket, from: number | null): void {
    const missed = new Set<string>();
    const screen: Screen = { client, focus: null, live: [], missed, leave: () => undefined };
    this.#screens.add(screen);
    client.on("error", () => client.terminate());
    client.on("message", (data) => this.#look(screen, String(data)));
    client.on("close", () => this.#part(screen));
    this.#welcome(screen, from).catch(() => client.close(1011, "the state cannot be read"));
  }

  async #welcome(screen: Screen, from: number | null): Promise<void> {
    this.#watching ??= this.#watch();
    await this.#watching;
    const missed = from === null ? null : await this.#missed(from);
    const seq = this.#seq;
    const all = missed === null ? await this.#desk.loops(everything) : null;
    const rows = (missed ?? all ?? []).slice(-boardRowsMax).map(rowOf);
    const { client } = screen;
    for (let at = 0; at === 0 || at < rows.length; at += rowsMax) {
      const page = rows.slice(at, at + rowsMax);
      const ends = { isFirst: at === 0, isLast: at + rowsMax >= rows.length };
      const isTaken = await sent(
        client,
        missed === null
          ? { kind: "snapshot", seq, rows: page, ...ends }
          : { kind: "rows", seq, rows: page },
      );
      if (!isTaken) {
        this.#drop(screen);
        return;
      }
    }
    const status = await this.#desk.status();
    await sent(client, { kind: "status", status });
    await sent(client, { kind: "steps", events: [...this.#steps.values()].slice(-rowsMax) });
    // Rows are whole: who hears of one twice is none the worse.
    for (const id of screen.missed ?? []) this.#dirty.add(id);
    screen.missed = null;
  }

  /** The loops that have changed since; null when that is too much, or another log. */
  async #missed(from: number): Promise<readonly LoopView[] | null> {
    if (from > this.#seq + 1 || this.#seq - from >= missedMax) return null;
    const events = await this.#desk.events(from);
    if (events.some(({ type }) => type === "store.compacted")) return null;
    const ids = new Set(events.flatMap(({ loop }) => (loop === null ? [] : [loop])));
    return Promise.all([...ids].map((id) => this.#desk.loop(id)));
  }

  async #watch(): Promise<() => void> {
    const { store } = await this.#desk.status();
    this.#seq = store.seq;
    const unfollow = await this.#desk.follow(store.seq + 1, ({ seq, loop }) => {
      this.#seq = seq;
      if (loop === null) return;
      this.#dirty.add(loop);
      for (const { missed } of this.#screens) missed?.add(loop);
    });
    const unwatch = this.#desk.watch(null, (event) => {
      if (!isStep(event)) return;
      this.#steps.delete(event.loop);
      this.#steps.set(event.loop, event);
      const [oldest] = this.#steps.keys();
      if (this.#steps.size > rowsMax && oldest !== undefined) this.#steps.delete(oldest);
      this.#fresh.set(event.loop, event);
    });
    let telling = Promise.resolve();
    const timer = setInterval(() => {
      telling = telling.then(() => this.#tick()).catch(() => this.#dropAll());
    }, tickMs);
    return () => {
      clearInterval(timer);
      unfollow();
      unwatch();
    };
  }

  async #tick(): Promise<void> {
    this.#ticks += 1;
    const ids = [...this.#dirty].slice(0, rowsMax);
    for (const id of ids) this.#dirty.delete(id);
    const seq = this.#seq;
    const rows = (await Promise.all(ids.map((id) => this.#desk.loop(id)))).map(rowOf);
    // While some are left over, their events have not been told: who resumes asks for them again.
    if (rows.length > 0) this.#tell({ kind: "rows", seq: this.#dirty.size === 0 ? seq : 0, rows });
    const events = [...this.#fresh.values()].slice(0, rowsMax);
    this.#fresh.clear();
    if (events.length > 0) this.#tell({ kind: "steps", events });
    for (const screen of this.#screens) this.#tellLive(screen);
    if (this.#ticks % statusEveryTicks !== 0 || this.#screens.size === 0) return;
    this.#tell({ kind: "status", status: await this.#desk.status() });
  }

  #tellLive(screen: Screen): void {
    const { focus, live } = screen;
    if (focus === null || live.length === 0) return;
    screen.live = [];
    this.#send(screen, JSON.stringify({ kind: "live", loop: focus, events: merged(live) }));
  }

  #tell(message: BoardMessage): void {
    const text = JSON.stringify(message);
    for (const screen of this.#screens) {
      if (screen.missed === null) this.#send(screen, text);
    }
  }

  #send(screen: Screen, text: string): void {
    const { client } = screen;
    if (client.readyState !== client.OPEN) return;
    if (client.bufferedAmount > unreadBytesMax) this.#drop(screen);
    else client.send(text);
  }

  #look(screen: Screen, text: string): void {
    const asked = boardFocus.safeParse(parsed(text));
    if (!asked.success) {
      screen.client.close(1008, "that is no focus");
      return;
    }
    screen.leave();
    const { focus } = asked.data;
    screen.focus = focus;
    screen.live = [];
    if (focus === null || screen.client.readyState !== screen.client.OPEN) return;
    screen.leave = this.#desk.watch(focus, (event) => {
      screen.live.push(event);
      if (screen.live.length > liveMax) screen.live = merged(screen.live).slice(-liveMax);
    });
  }

  #drop(screen: Screen): void {
    screen.client.close(tooSlow, `too slow: resume from ${this.#seq + 1}`);
    this.#part(screen);
  }

  #dropAll(): void {
    for (const screen of this.#screens) screen.client.close(1011, "the state cannot be read");
  }

  #part(screen: Screen): void {
    screen.leave();
    screen.leave = () => undefined;
    this.#screens.delete(screen);
    if (this.#screens.size > 0 || this.#watching === null) return;
    const watching = this.#watching;
    this.#watching = null;
    this.#steps.clear();
    watching.then((leave) => leave()).catch(() => undefined);
  }
}

const everything = { status: null, type: null, plan: null };

function rowOf({ baseline, baseCommit, budget, ...row }: LoopView): BoardRow {
  return row;
}

function isStep({ type }: LiveEvent): boolean {
  return ["stage", "tool", "verdict", "waiting", "note"].includes(type);
}

/** Text comes in crumbs: those that follow one another are one. */
function merged(events: readonly LiveEvent[]): LiveEvent[] {
  const all: LiveEvent[] = [];
  for (const event of events) {
    const last = all.at(-1);
    if (event.type === "text" && last?.type === "text" && last.iteration === event.iteration) {
      all[all.length - 1] = { ...last, text: last.text + event.text };
    } else all.push(event);
  }
  return all;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Resolves once the system has taken it; to false when nobody reads. */
async function sent(client: WebSocket, message: BoardMessage): Promise<boolean> {
  const taken = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => taken.resolve(false), unreadMsMax);
  client.send(JSON.stringify(message), (error) => taken.resolve(!error));
  const isTaken = await taken.promise;
  clearTimeout(timer);
  return isTaken;
}
