import { signatureOf } from "../adapters/config/config-files.ts";
import type { Config } from "../adapters/config/schema.ts";
import type { GuardLimits } from "../core/guards.ts";
import type { Limits } from "../engine/scheduler.ts";
import type { StatusView } from "../protocol/status.ts";
import { timeOf } from "../views/loop-view.ts";
import { systemClock } from "./clock.ts";
import { dayLimit } from "./day-limit.ts";
import { asUserError } from "./errors.ts";
import type { Host } from "./host.ts";
import { placesOf } from "./living.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig } from "./world.ts";

/** The daemon's own configuration, read again when its files change; a broken one changes nothing. */
export class DaemonConfig {
  readonly #around: Surroundings;
  readonly #home: string;
  #config: Config;
  #loadedAt = systemClock.now();
  #problem: string | null = null;
  #seen: string | null = null;
  /** Read again by itself when its file changes. */
  readonly dayUsd: () => number | null;

  /** Throws ConfigError: a daemon does not start with a broken one. */
  constructor(around: Surroundings, home: string) {
    this.#around = around;
    this.#home = home;
    const load = () => loadRepositoryConfig(around, home, null).config;
    this.#config = load();
    this.dayUsd = dayLimit(load, this.#config);
  }

  get queueMax(): number {
    return this.#config.queue.max;
  }

  /** What the user has written, and no repository. */
  get users(): Config {
    return this.#config;
  }

  /** Live: each look at it sees what was read last. */
  get limits(): Limits {
    return live(() => limitsOf(this.#config));
  }

  get guardLimits(): GuardLimits {
    return live(() => guardLimitsOf(this.#config));
  }

  state(): StatusView["config"] {
    return { loadedAt: timeOf(this.#loadedAt), problem: this.#problem };
  }

  /** Reads it again, and that of each repository. Resolves to what is broken and does not hold. */
  async reload(host: Host): Promise<readonly string[]> {
    const problems: string[] = [];
    this.#seen = await this.#signature();
    try {
      this.#config = loadRepositoryConfig(this.#around, this.#home, null).config;
      host.allow(this.#config);
    } catch (error) {
      problems.push(messageOf(error));
    }
    // What is wrong in a user's file is wrong for every repository.
    for (const problem of await host.reload()) {
      if (!problems.includes(problem)) problems.push(problem);
    }
    if (problems.length === 0) this.#loadedAt = systemClock.now();
    this.#problem =
      problems.length === 0 ? null : `the last good one holds: ${problems.join("; ")}`;
    host.states.changes.ring();
    return problems;
  }

  /** Whether its files are others than at the last look. */
  async hasMoved(): Promise<boolean> {
    const now = await this.#signature();
    this.#seen ??= now;
    return now !== this.#seen;
  }

  #signature(): Promise<string> {
    const { files } = placesOf(this.#around, this.#home, null, []);
    return signatureOf({ files, directories: [] });
  }
}

function limitsOf({ concurrency, queue, llm }: Config): Limits {
  return {
    runningMax: concurrency.loops,
    perType: concurrency["per-type"],
    agingMs: queue.aging,
    retryAfterMaxMs: llm["retry-after-max"],
    pollMs: queue.poll,
    wants: () => true,
  };
}

function guardLimitsOf({ daemon }: Config): GuardLimits {
  return { memoryBytesMax: daemon.memory, freeBytesMin: daemon["disk-free"] };
}

/** The same keys, each asked for anew. */
function live<T extends object>(read: () => T): T {
  return new Proxy(read(), { get: (_, key) => Reflect.get(read(), key) });
}

function messageOf(error: unknown): string {
  const known = asUserError(error);
  return known instanceof Error ? known.message : String(known);
}
