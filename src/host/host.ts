import { rateLimitsOf } from "../adapters/config/rate-settings.ts";
import type { Config } from "../adapters/config/schema.ts";
import { type JsonlTaskStore, openTaskStore } from "../adapters/store/jsonl-task-store.ts";
import type { RateLimits } from "../core/admission.ts";
import { assert } from "../core/assert.ts";
import type { Command } from "../core/commands.ts";
import type { Asked } from "../core/creation.ts";
import type { Accepted } from "../core/decide.ts";
import type { OfRepository } from "../core/dispatch.ts";
import type { Transaction } from "../core/events.ts";
import type { Loop, LoopId, Millis } from "../core/loop.ts";
import type { Engine } from "../engine/engine.ts";
import { Gates } from "../engine/gates.ts";
import { type Crew, recover } from "../engine/loop-manager.ts";
import { StateManager } from "../engine/state-manager.ts";
import { type LiveEvent, StoreBroken } from "../ports.ts";
import type { Raise, Reader, RunPlan, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { ProviderView } from "../protocol/status.ts";
import { type LoopView, loopView } from "../views/loop-view.ts";
import { type Chronicle, openChronicle } from "./chronicle.ts";
import { systemClock } from "./clock.ts";
import { creationOf, ofRequest } from "./creation.ts";
import type { Living } from "./living.ts";
import { providersOf } from "./providers.ts";
import { createReader, find, openRecords, readFeed } from "./reader.ts";
import {
  planOf,
  refuseWhatWillFail,
  requireGit,
  type Site,
  settle,
  titleOf,
  visit,
} from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";
import { Waits } from "./waits.ts";
import { Watchers } from "./watchers.ts";
import { withoutKeys } from "./words.ts";
import { loadRepositoryConfig, makeWorld, type RepositoryWorld } from "./world.ts";
import { Worlds } from "./worlds.ts";

/** Attempts in a row that the world may break off before a loop has failed. */
const failuresMax = 5;
/** Of the log in one answer. */
const eventsPageMax = 1_000;
const triesMax = 8;
const random = { next: () => Math.random() };

type CreateLoop = Extract<Command, { type: "createLoop" }>;

/** One home, open for writing: its log, and a world for each repository that is asked for. */
export class Host {
  readonly #around: Surroundings;
  readonly #home: string;
  readonly #store: JsonlTaskStore;
  readonly #chronicle: Chronicle;
  readonly #worlds: Worlds;
  /** Of the world that was made last. */
  #newest: RepositoryWorld | null = null;
  #reaped: Promise<void> | null = null;
  #states: StateManager | null = null;
  #recovered: readonly LoopId[] = [];
  readonly #watchers = new Watchers();
  readonly #broken = new AbortController();
  #gates: Gates | null = null;
  /** As it was read last. */
  #allowed: Config | null = null;
  readonly waits = new Waits(() => this.#gates);

  private constructor(
    around: Surroundings,
    home: string,
    store: JsonlTaskStore,
    chronicle: Chronicle,
  ) {
    this.#around = around;
    this.#home = home;
    this.#store = store;
    this.#chronicle = chronicle;
    const make = (living: Living) => this.#makeWorld(living);
    const isAtWork = (repo: string, startedAt: Millis) => this.#isAtWork(repo, startedAt);
    this.#worlds = new Worlds({ around, home, chronicle, make, isAtWork });
  }

  /** Calls back with how long each batch of events took to be durable. */
  onWritten(listener: (ms: number) => void): void {
    this.#store.onWritten = listener;
  }

  /** Takes the home. Throws what asUserError() knows. */
  static async open(around: Surroundings, home: string): Promise<Host> {
    const store = await openTaskStore({ home });
    const chronicle = await openChronicle(home).catch(async (error: unknown) => {
      await store.close();
      throw error;
    });
    const host = new Host(around, home, store, chronicle);
    try {
      await host.#begin();
      return host;
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const outside = { clock: systemClock, random, store: this.#store };
    this.#states = await StateManager.open(outside, failuresMax);
    this.#chronicle.anchorTo(this.#states);
    this.#recovered = await recover(this.#states);
    this.#states.subscribe((transaction) => this.#forgetWaits(transaction));
  }

  #forgetWaits({ events }: Transaction): void {
    for (const { loop } of events) {
      const isRunning = loop !== null && this.states.state.loops.get(loop)?.status === "running";
      if (loop !== null && !isRunning) this.waits.forget(loop);
    }
  }

  /** One for all repositories: providers know of no repositories. */
  get gates(): Gates {
    this.#gates ??= new Gates({ clock: systemClock, random }, this.#limitsOf());
    return this.#gates;
  }

  /** What the user allows has changed: gates follow, and keep what they know. */
  allow(config: Config): void {
    this.#allowed = config;
    this.#gates?.allow(this.#limitsOf());
  }

  #limitsOf(): (provider: string) => RateLimits {
    this.#allowed ??= loadRepositoryConfig(this.#around, this.#home, null).config;
    const config = this.#allowed;
    return (provider) => rateLimitsOf(config, provider);
  }

  providers(): ProviderView[] {
    return providersOf(this.#gates, this.states.state, systemClock.now());
  }

  /** Aborts when the log took no more: only a new start may go on. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  get recovered(): readonly LoopId[] {
    return this.#recovered;
  }

  /** Calls back with what goes by, of one loop or of all; returns the way out. */
  watch(loop: string | null, watcher: (event: LiveEvent) => void): () => void {
    return this.#watchers.add(loop, watcher);
  }

  reader(): Reader {
    return createReader({
      home: this.#home,
      state: async () => this.states.state,
      events: (from) => readFeed(this.#home, from, eventsPageMax),
      now: systemClock.now,
      waitOf: (loop) => this.waits.of(loop, systemClock.now()),
      stageOf: (loop) => this.#watchers.stageOf(loop),
      ...openRecords(this.#around, this.#home),
    });
  }

  /** Every world of this process has the same machine. */
  sandboxLevel(): string {
    const world = this.#newest;
    if (world === null) return "not used yet";
    if (world.config.config.sandbox.level === "off") return "off";
    return world.sandbox.probe.level;
  }

  /** Carries out loops of all repositories. */
  crew(drain: AbortSignal): Crew {
    const { states } = this;
    const owner = `pid ${this.#around.pid}`;
    const engineOf = ({ repo }: Loop) => this.engine(repo, drain);
    return { states, clock: systemClock, random, owner, drain, engineOf };
  }

  /** What carries out work in one repository. */
  async engine(repo: string, drain: AbortSignal): Promise<Engine> {
    const { states, gates } = this;
    const { world, config, dayUsd } = await this.world(repo);
    const patience = { retryAfterMaxMs: config.config.llm["retry-after-max"], triesMax };
    const usersOf = this.#limitsOf();
    const gatesOf = (provider: string) => {
      const own = rateLimitsOf(config.config, provider);
      return gates.path(provider, repo, { own, users: usersOf(provider) });
    };
    return { world, states, patience, drain, gatesOf, dayUsd };
  }

  async close(): Promise<void> {
    await this.#worlds.close();
    await this.#chronicle.close();
    await this.#states?.close();
    await this.#store.close();
  }

  /** The audit of this home. */
  get chronicle(): Chronicle {
    return this.#chronicle;
  }

  get states(): StateManager {
    assert(this.#states !== null, "the host is open");
    return this.#states;
  }

  id(id: string): LoopId {
    return find(this.states.state, id).id;
  }

  async plan(request: RunRequest): Promise<RunPlan> {
    const settled = settle(await this.#visit(request), request);
    return planOf(settled, request, this.states.state);
  }

  /** All or none, in one transaction. Refuses here what could only fail later. */
  async create(requests: readonly RunRequest[]): Promise<readonly LoopView[]> {
    const asked: Asked[] = [];
    const sites = new Map<string, Promise<Site>>();
    for (const [at, request] of requests.entries()) {
      const { loop } = await ofRequest(at, this.#command(request, sites));
      asked.push({ loop, afterEarlier: request.afterEarlier ?? [] });
    }
    const { events } = await this.decided(creationOf(asked));
    return events.flatMap(({ type, loop }) =>
      type === "loop.created" ? [this.#viewOf(loop)] : [],
    );
  }

  /** Requests for one commit look at it once. */
  async #command(request: RunRequest, sites: Map<string, Promise<Site>>): Promise<CreateLoop> {
    const key = JSON.stringify([request.dir, request.base]);
    const site = sites.get(key) ?? this.#visit(request);
    sites.set(key, site);
    const settled = settle(await site, request);
    refuseWhatWillFail(settled);
    const { repo, settings } = settled;
    const { type, task, priority } = request;
    const dependsOn = request.after.map((id) => this.id(id));
    const words = { title: titleOf(task), brief: task };
    const loop = { type, parent: null, ...words, priority, dependsOn, repo, settings };
    const approved = request.approved === true ? { approved: true } : {};
    return { type: "createLoop", loop: { ...loop, ...approved, status: "pending" } };
  }

  #visit(request: RunRequest): Promise<Site> {
    return visit(this.#around, (repo) => this.#worlds.fresh(repo), request);
  }

  world(repo: string): Promise<RepositoryWorld> {
    return this.#worlds.of(repo);
  }

  /**
   * Follows changed files: what a loop is told and may do from its next iteration on, all else from
   * the next attempt. Resolves to what is broken; there the last good configuration holds.
   */
  reload(): Promise<readonly string[]> {
    return this.#worlds.reload();
  }

  limitsIn(repo: string): OfRepository | null {
    return this.#worlds.limitsIn(repo);
  }

  /** Whether files are others than at the last look. */
  async hasMoved(): Promise<boolean> {
    const moved = await Promise.all(this.#worlds.livings().map((living) => living.hasMoved()));
    return moved.includes(true);
  }

  #isAtWork(repo: string, startedAt: Millis): boolean {
    return [...this.states.state.loops.values()].some(
      (loop) =>
        loop.repo === repo && loop.status === "running" && (loop.startedAt ?? 0) <= startedAt,
    );
  }

  async #makeWorld(living: Living): Promise<RepositoryWorld> {
    await requireGit();
    const watch = (event: LiveEvent) => {
      this.waits.take(event);
      this.#watchers.tell(event);
    };
    const world = await makeWorld({
      around: this.#around,
      home: this.#home,
      living,
      store: this.#store,
      audit: (redact) => this.#chronicle.audit(redact),
      watch,
    });
    try {
      // Once, before anything runs: later the fresh worktrees of other loops are in use.
      this.#reaped ??= this.#reap(world);
      await this.#reaped;
    } catch (error) {
      this.#reaped = null;
      await world.close();
      throw error;
    }
    this.#newest = world;
    return world;
  }

  /** A crash between a loop's completion and the removal of its worktree leaves one nobody needs. */
  async #reap({ worktrees }: RepositoryWorld): Promise<void> {
    const loops = [...this.states.state.loops.values()];
    const open = loops.filter(({ status }) => status !== "complete");
    await worktrees.reap(new Set(open.map(({ id }) => id)));
  }

  async resume(id: string, raise: Raise): Promise<LoopView> {
    const loop = find(this.states.state, id);
    const { status } = loop;
    const isAsked = Object.keys(raise).length > 0;
    const isUnderWay = ["pending", "running", "delegated"].includes(status);
    if (isUnderWay && !isAsked) return this.#viewOf(loop.id);
    const isHeldUp = status === "blocked" && loop.blockedOn === "child" && !isAsked;
    if (status === "failed" || isHeldUp) return this.ask({ type: "retry", id: loop.id, raise });
    return this.ask({ type: "resume", id: loop.id, raise });
  }

  async ask(command: Command): Promise<LoopView> {
    const id = await this.tell(command);
    assert(id !== null, "the command was about a loop");
    return this.#viewOf(id);
  }

  #viewOf(id: LoopId): LoopView {
    return loopView(find(this.states.state, id), this.#watchers.stageOf(id));
  }

  /** What meets a log that takes no more ends the daemon. */
  async orEnd<Result>(doing: Promise<Result>): Promise<Result> {
    return doing.catch((error: unknown) => {
      if (error instanceof StoreBroken) this.#broken.abort(error);
      throw error;
    });
  }

  /** The same for what need not be about a loop. */
  async tell(command: Command): Promise<LoopId | null> {
    return (await this.decided(command)).id;
  }

  /** What a person asks for: in the audit, then in the log. */
  async decided(given: Command): Promise<Accepted> {
    const { states } = this;
    const command = withoutKeys(given);
    const decision = await this.orEnd(
      this.#chronicle.asked(command).then(() => states.submit(command)),
    );
    if (!decision.ok) throw new UserError(exitCodes.usage, decision.reason);
    return decision;
  }
}
