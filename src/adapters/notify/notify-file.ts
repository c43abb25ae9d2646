import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Millis } from "../../core/loop.ts";
import type { Cursors } from "../../ports/notify.ts";

interface Kept {
  readonly channels: Record<string, number>;
  /** When each alert was told last, by id. */
  readonly alerts: Record<string, Millis>;
}

const alertsMax = 1_000;

/** What was notified already: `notify.json` in the home, replaced as a whole. */
export class NotifyFile implements Cursors {
  readonly #file: string;
  readonly #kept: Kept;
  #writing: Promise<void> = Promise.resolve();

  constructor(home: string) {
    this.#file = join(home, "notify.json");
    this.#kept = readKept(this.#file);
  }

  of(channel: string): number | null {
    return this.#kept.channels[channel] ?? null;
  }

  keep(channel: string, seq: number): Promise<void> {
    this.#kept.channels[channel] = seq;
    return this.#write();
  }

  get alerts(): ReadonlyMap<string, Millis> {
    return new Map(Object.entries(this.#kept.alerts));
  }

  keepAlerts(alerts: ReadonlyMap<string, Millis>): Promise<void> {
    for (const id of Object.keys(this.#kept.alerts)) delete this.#kept.alerts[id];
    Object.assign(this.#kept.alerts, Object.fromEntries([...alerts].slice(-alertsMax)));
    return this.#write();
  }

  /** One after the other: the newest is what stays. */
  #write(): Promise<void> {
    const part = `${this.#file}.part`;
    const written = this.#writing.then(async () => {
      await writeFile(part, `${JSON.stringify(this.#kept)}\n`, { mode: 0o600 });
      await rename(part, this.#file);
    });
    this.#writing = written.catch(() => undefined);
    return written;
  }
}

/** One that is missing or broken says nothing: then what is new from now on is told. */
function readKept(file: string): Kept {
  let told: unknown = null;
  try {
    told = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    told = null;
  }
  const { channels, alerts } = (told ?? {}) as { channels?: unknown; alerts?: unknown };
  return { channels: numbersIn(channels), alerts: numbersIn(alerts) };
}

function numbersIn(given: unknown): Record<string, number> {
  if (typeof given !== "object" || given === null) return {};
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}
