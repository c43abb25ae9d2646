import { ConfigError } from "../adapters/config/problem.ts";
import type { OfRepository } from "../core/dispatch.ts";
import type { Millis } from "../core/loop.ts";
import type { Chronicle } from "./chronicle.ts";
import { systemClock } from "./clock.ts";
import { Living } from "./living.ts";
import type { Surroundings } from "./surroundings.ts";
import type { RepositoryWorld } from "./world.ts";

/** How many worlds reloads may put aside before nothing more is reloaded. */
const retiredMax = 100;
/** A world that nobody has used for so long is closed. */
const unusedMs = 300_000;

interface Known {
  readonly living: Living;
  /** Null until somebody asks for it, and after its configuration has changed. */
  world: Promise<RepositoryWorld> | null;
  /** Why the newest files do not hold. */
  broken: ConfigError | null;
}

interface Retired {
  readonly repo: string;
  readonly world: Promise<RepositoryWorld>;
  readonly retiredAt: Millis;
  usedAt: Millis;
}

export interface WorldsOptions {
  readonly around: Surroundings;
  readonly home: string;
  readonly chronicle: Chronicle;
  readonly make: (living: Living) => Promise<RepositoryWorld>;
  /** Whether an attempt that started no later than this is at work in the repository. */
  readonly isAtWork: (repo: string, startedAt: Millis) => boolean;
}

/** A world for each repository that is asked for, made anew when its configuration changes. */
export class Worlds {
  readonly #options: WorldsOptions;
  readonly #known = new Map<string, Known>();
  /** Loops may be at work in them still. */
  #retired: Retired[] = [];

  constructor(options: WorldsOptions) {
    this.#options = options;
  }

  /** One per repository, however many loops of it start at once. */
  async of(repo: string): Promise<RepositoryWorld> {
    const known = this.#known.get(repo) ?? this.#begin(repo);
    const making = known.world ?? this.#make(known);
    known.world = making;
    // The next who asks may find it mended.
    making.catch(() => {
      if (known.world === making) known.world = null;
    });
    return making;
  }

  /** The same where the newest files hold. Throws ConfigError where they are broken. */
  async fresh(repo: string): Promise<RepositoryWorld> {
    const known = this.#known.get(repo);
    if (known !== undefined) {
      if (await known.living.hasMoved()) await this.#look(known);
      if (known.broken !== null) throw known.broken;
    }
    return this.of(repo);
  }

  /** Looks at every repository's files. Resolves to what is broken; there nothing changes. */
  async reload(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const known of this.#known.values()) {
      if (await known.living.hasMoved()) await this.#look(known);
      if (known.broken !== null) problems.push(known.broken.message);
    }
    await this.#sweep();
    return problems;
  }

  /** What the repository allows of its own loops; null where its configuration cannot be read. */
  limitsIn(repo: string): OfRepository | null {
    try {
      const { concurrency } = (this.#known.get(repo) ?? this.#begin(repo)).living.config.config;
      return { loops: concurrency.loops, perType: concurrency["per-type"] };
    } catch (error) {
      if (error instanceof ConfigError) return null;
      throw error;
    }
  }

  livings(): readonly Living[] {
    return [...this.#known.values()].map(({ living }) => living);
  }

  async close(): Promise<void> {
    const open = [...this.#known.values()].flatMap(({ world }) => (world === null ? [] : [world]));
    const all = await Promise.allSettled([...open, ...this.#retired.map(({ world }) => world)]);
    for (const world of all) {
      if (world.status === "fulfilled") await world.value.close();
    }
  }

  #begin(repo: string): Known {
    const { around, home } = this.#options;
    const known = { living: new Living(around, home, repo), world: null, broken: null };
    this.#known.set(repo, known);
    return known;
  }

  async #make({ living }: Known): Promise<RepositoryWorld> {
    if (living.isNew) {
      await living.look();
      await this.#record(living);
    }
    return this.#options.make(living);
  }

  async #look(known: Known): Promise<void> {
    const { living, world } = known;
    const change = await living.look();
    known.broken = typeof change === "object" ? change.broken : null;
    if (typeof change === "object" || change === "none") return;
    await this.#record(living);
    if (change !== "config" || world === null || this.#retired.length >= retiredMax) return;
    const now = systemClock.now();
    this.#retired.push({ repo: living.repo, world, retiredAt: now, usedAt: now });
    known.world = null;
  }

  async #record(living: Living): Promise<void> {
    await this.#options.chronicle.configured(living);
    await living.record();
  }

  async #sweep(): Promise<void> {
    const now = systemClock.now();
    const unused: Retired[] = [];
    for (const each of this.#retired) {
      if (this.#options.isAtWork(each.repo, each.retiredAt)) each.usedAt = now;
      else if (now - each.usedAt > unusedMs) unused.push(each);
    }
    this.#retired = this.#retired.filter((each) => !unused.includes(each));
    for (const { world } of unused) {
      const made = await world.catch(() => null);
      await made?.close();
    }
  }
}
