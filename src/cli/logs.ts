import type { FeedEvent, Reader } from "../protocol/door.ts";
import { exitCodes } from "../protocol/errors.ts";
import { nextLook, rests } from "./follow.ts";
import { interruptible } from "./interrupt.ts";
import { paint } from "./look.ts";
import { jsonText, openReader, type Session } from "./session.ts";
import { logLine } from "./transcript.ts";

export interface LogsOptions {
  readonly follow?: true | undefined;
  readonly iteration?: number | undefined;
}

/** `td logs ID`: one line for everything that went on; with --json the loop's own events. */
export async function logs(session: Session, id: string, options: LogsOptions): Promise<number> {
  const reader = await openReader(session);
  await reader.loop(id);
  await refuseUnknown(reader, id, options);
  const teller = session.json
    ? new EventTeller(session, reader, id, options)
    : new TranscriptTeller(session, reader, id, options);
  if (options.follow !== true) {
    await teller.tell();
    return exitCodes.done;
  }
  return interruptible(session, async (signal) => {
    for (;;) {
      // Asked before the last look, so that what came just before the rest is not missed.
      const isOver = rests(await reader.loop(id));
      await teller.tell();
      if (isOver) return exitCodes.done;
      if (!(await nextLook(signal))) return endOf(session);
    }
  });
}

/** An iteration without a record is refused with those that have one. */
async function refuseUnknown(
  reader: Reader,
  id: string,
  { iteration }: LogsOptions,
): Promise<void> {
  if (iteration === undefined || (await reader.iterations(id)).includes(iteration)) return;
  await reader.record(id, iteration);
}

/** Who closed the pipe has seen enough; who pressed Ctrl-C interrupted. */
export function endOf({ gone }: Session): number {
  return gone.aborted ? exitCodes.done : exitCodes.interrupted;
}

interface Teller {
  /** Prints what is new since the last call. */
  tell(): Promise<void>;
}

class EventTeller implements Teller {
  #next = 1;
  readonly #session: Session;
  readonly #reader: Reader;
  readonly #wanted: (event: FeedEvent) => boolean;

  constructor(session: Session, reader: Reader, id: string, { iteration }: LogsOptions) {
    this.#session = session;
    this.#reader = reader;
    this.#wanted = ({ loop, data }) =>
      loop === id && (iteration === undefined || iterationIn(data) === iteration);
  }

  async tell(): Promise<void> {
    for (const event of await this.#reader.events(this.#next)) {
      this.#next = event.seq + 1;
      if (this.#wanted(event)) this.#session.print(jsonText(event, false));
    }
  }
}

function iterationIn(data: unknown): unknown {
  return typeof data === "object" && data !== null && "iteration" in data ? data.iteration : null;
}

class TranscriptTeller implements Teller {
  readonly #session: Session;
  readonly #reader: Reader;
  readonly #id: string;
  readonly #iteration: number | undefined;
  /** How many entries of each iteration are printed. */
  readonly #told = new Map<number, number>();

  constructor(session: Session, reader: Reader, id: string, { iteration }: LogsOptions) {
    this.#session = session;
    this.#reader = reader;
    this.#id = id;
    this.#iteration = iteration;
  }

  async tell(): Promise<void> {
    const newest = Math.max(-1, ...this.#told.keys());
    const known = await this.#iterations();
    for (const iteration of known) {
      if (iteration >= newest) await this.#tellIteration(iteration);
    }
  }

  async #iterations(): Promise<readonly number[]> {
    const known = await this.#reader.iterations(this.#id);
    if (this.#iteration === undefined) return known;
    return known.filter((iteration) => iteration === this.#iteration);
  }

  async #tellIteration(iteration: number): Promise<void> {
    const { look } = this.#session;
    const { entries } = await this.#reader.record(this.#id, iteration);
    const told = this.#told.get(iteration);
    this.#told.set(iteration, entries.length);
    if (told === undefined) {
      const title = iteration === 0 ? "before any work" : `iteration ${iteration}`;
      this.#session.print(paint(look, "bold", `── ${title}`));
    }
    for (const entry of entries.slice(told ?? 0)) this.#session.print(logLine(entry, look));
  }
}
