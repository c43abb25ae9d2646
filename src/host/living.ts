import { type ConfigPlaces, readSources, signatureOf } from "../adapters/config/config-files.ts";
import { ConfigHistory } from "../adapters/config/history.ts";
import { type LoadedConfig, userConfigFiles } from "../adapters/config/load-config.ts";
import {
  type LoadedLoopType,
  type LoadedLoopTypes,
  loopTypeDirectories,
} from "../adapters/config/loop-types.ts";
import { ConfigError } from "../adapters/config/problem.ts";
import type { LoopTypes } from "../ports.ts";
import { timeOf } from "../views/loop-view.ts";
import { systemClock } from "./clock.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig, loadRepositoryTypes } from "./world.ts";

/** What is configured for a repository, read together. */
interface Configured {
  readonly config: LoadedConfig;
  readonly types: LoadedLoopTypes;
}

/** What a look at the files has found: `broken` says what is wrong, and nothing has changed. */
type Change = "none" | "types" | "config" | { readonly broken: ConfigError };

/** Types that are gone, kept for loops that are under way with them. */
const goneMax = 1_000;

/** What holds in a repository just now. A look at the files replaces all of it, or nothing. */
export class Living {
  readonly #around: Surroundings;
  readonly #home: string;
  readonly repo: string;
  readonly #gone = new Map<string, LoadedLoopType>();
  #now: Configured;
  #seen = "";

  /** Throws ConfigError: without a good one there is no last good one. */
  constructor(around: Surroundings, home: string, repo: string) {
    this.#around = around;
    this.#home = home;
    this.repo = repo;
    this.#now = this.#load();
  }

  /** Nobody has looked again since it was made. */
  get isNew(): boolean {
    return this.#seen === "";
  }

  get config(): LoadedConfig {
    return this.#now.config;
  }

  /** What can be started now. */
  get types(): LoadedLoopTypes {
    return this.#now.types;
  }

  /** For loops under way: always the newest; of a type that is gone, the last there was. */
  readonly loopTypes: LoopTypes = {
    get: (name) => this.#now.types.get(name) ?? this.#gone.get(name) ?? null,
    list: () => this.#now.types.list(),
  };

  get places(): ConfigPlaces {
    return placesOf(this.#around, this.#home, this.repo, this.config.config.loops.paths);
  }

  /** Whether the files are others than at the last look. */
  async hasMoved(): Promise<boolean> {
    return (await signatureOf(this.places)) !== this.#seen;
  }

  /** Reads the files again. Files that change meanwhile are found by the next look. */
  async look(): Promise<Change> {
    this.#seen = await signatureOf(this.places);
    let next: Configured;
    try {
      next = this.#load();
    } catch (error) {
      if (error instanceof ConfigError) return { broken: error };
      throw error;
    }
    const change = changeBetween(this.#now, next);
    if (change !== "none") this.#replace(next);
    return change;
  }

  /** Keeps what holds now in the home's history. */
  async record(): Promise<void> {
    const sources = await readSources(this.places);
    const types = this.types.list().map(({ name, version }) => [name, version] as const);
    await new ConfigHistory(this.#home).record({
      ...{ repo: this.repo, good: true, sources, types: Object.fromEntries(types) },
      at: timeOf(systemClock.now()),
    });
  }

  #replace(next: Configured): void {
    for (const type of this.#now.types.list()) {
      if (next.types.get(type.name) === null && this.#gone.size < goneMax) {
        this.#gone.set(type.name, type);
      }
    }
    this.#now = next;
  }

  #load(): Configured {
    const config = loadRepositoryConfig(this.#around, this.#home, this.repo);
    const types = loadRepositoryTypes(this.#around, this.#home, this.repo, config.config);
    return { config, types };
  }
}

/** Where the configuration of a repository is looked for. */
export function placesOf(
  around: Surroundings,
  home: string,
  repo: string | null,
  paths: readonly string[],
): ConfigPlaces {
  const env = { ...around.env, TASKDAEMON_HOME: home };
  const userFiles = userConfigFiles(env, around.userHome);
  const files = repo === null ? userFiles : [...userFiles, `${repo}/taskdaemon.yml`];
  const directories = loopTypeDirectories({ userFiles, repo, paths });
  return { files, directories: directories.map(({ path }) => path) };
}

function changeBetween(before: Configured, after: Configured): "none" | "types" | "config" {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  if (!same(before.config.config, after.config.config)) return "config";
  const versions = ({ types }: Configured) =>
    types.list().map(({ name, version, origin }) => [name, version, origin]);
  return same(versions(before), versions(after)) ? "none" : "types";
}
