import type { Config } from "../adapters/config/schema.ts";
import type { GuardLimits } from "../core/guards.ts";
import type { Limits } from "../engine/scheduler.ts";
import type { StatusView } from "../protocol/status.ts";
import { timeOf } from "../views/loop-view.ts";
import { systemClock } from "./clock.ts";
import { dayLimit } from "./day-limit.ts";
import { asUserError } from "./errors.ts";
import type { Host } from "./host.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig } from "./world.ts";

/** The daemon's own configuration: read at the start and on HUP; a broken one changes nothing. */
export class DaemonConfig {
  readonly #around: Surroundings;
  readonly #home: string;
  #config: Config;
  #loadedAt = systemClock.now();
  #problem: string | null = null;
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
    try {
      this.#config = loadRepositoryConfig(this.#around, this.#home, null).config;
      host.allow(this.#config);
      problems.push(...(await host.reload()));
    } catch (error) {
      problems.push(messageOf(error));
    }
    if (problems.length === 0) this.#loadedAt = systemClock.now();
    this.#problem =
      problems.length === 0 ? null : `the last good one holds: ${problems.join("; ")}`;
    host.states.changes.ring();
    return problems;
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
