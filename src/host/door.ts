import { detectValidation } from "../adapters/config/detect-validation.ts";
import { resolveSettings } from "../adapters/config/resolve-settings.ts";
import { resolveCommit, resolveRepository } from "../adapters/git/repository.ts";
import { openTaskStore } from "../adapters/store/jsonl-task-store.ts";
import type { Command } from "../core/commands.ts";
import type { Loop, LoopId, LoopSettings } from "../core/loop.ts";
import { baselineText } from "../core/progress.ts";
import type { Engine } from "../engine/engine.ts";
import { reconcile, recover } from "../engine/loop-manager.ts";
import { StateManager } from "../engine/state-manager.ts";
import type { LiveEvent, PromptValues, TaskStore } from "../ports.ts";
import type { Door, RunPlan, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { type LoopView, loopView } from "../views/loop-view.ts";
import { systemClock } from "./clock.ts";
import { createReader, find } from "./reader.ts";
import type { Surroundings } from "./surroundings.ts";
import { makeWorld, type RepositoryWorld } from "./world.ts";

/** Attempts in a row that the world may break off before a loop has failed. */
const failuresMax = 5;
const triesMax = 8;
const titleCharsMax = 72;

/** Opens the home for writing, in this process. Throws what asUserError() knows. */
export async function openDoor(around: Surroundings, home: string): Promise<Door> {
  const store = await openTaskStore({ home });
  const host = new Host(around, home, store);
  try {
    await host.open();
    return host.door();
  } catch (error) {
    await host.close();
    throw error;
  }
}

interface Resolved {
  readonly repository: RepositoryWorld;
  readonly repo: string;
  readonly settings: LoopSettings;
  readonly baseName: string;
}

class Host {
  readonly #around: Surroundings;
  readonly #home: string;
  readonly #store: TaskStore;
  readonly #worlds = new Map<string, RepositoryWorld>();
  #states: StateManager | null = null;
  #recovered: readonly LoopId[] = [];
  #watch: (event: LiveEvent) => void = () => undefined;

  constructor(around: Surroundings, home: string, store: TaskStore) {
    this.#around = around;
    this.#home = home;
    this.#store = store;
  }

  async open(): Promise<void> {
    const outside = {
      clock: systemClock,
      random: { next: () => Math.random() },
      store: this.#store,
    };
    this.#states = await StateManager.open(outside, failuresMax);
    this.#recovered = await recover(this.#states, systemClock.now());
  }

  door(): Door {
    const reader = createReader({
      home: this.#home,
      state: async () => this.#open.state,
      events: () => Promise.reject(new Error("read events from the log")),
      transcripts: { read: async () => [] },
      worktrees: { diff: async () => "" },
      now: systemClock.now,
    });
    return {
      ...reader,
      recovered: this.#recovered,
      plan: (request) => this.#plan(request),
      create: (request) => this.#create(request),
      drive: (id, watch, signal) => this.#drive(id, watch, signal),
      resume: (id, raise) => this.#resume(id, raise),
      pause: (id) => this.#ask({ type: "pause", id: id as LoopId }),
      stop: (id) => this.#ask({ type: "stop", id: id as LoopId }),
      answer: (id, answer) => this.#ask({ type: "answer", id: id as LoopId, answer }),
      rollback: (id, to) => this.#ask({ type: "rollback", id: id as LoopId, to }),
      close: () => this.close(),
    };
  }

  async close(): Promise<void> {
    for (const world of this.#worlds.values()) await world.close();
    await this.#store.close();
  }
}
