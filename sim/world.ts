import { assert } from "../src/core/assert.ts";
import type { LoopId, Millis } from "../src/core/loop.ts";
import { isDelivery } from "../src/core/merge.ts";
import {
  type CommandRequest,
  type CommandResult,
  SandboxUnavailable,
  ToolRefusal,
  type World,
} from "../src/ports.ts";
import { SimAudit } from "./audit.ts";
import type { SimClock } from "./clock.ts";
import { isGreen, SimWorktrees, simDocuments, simFiles } from "./git.ts";
import { levelCheck } from "./levels.ts";
import { simModel } from "./model.ts";
import { simTypes } from "./pipeline.ts";
import { SimProvider } from "./provider.ts";
import { SimPullRequests } from "./pull-requests.ts";
import type { SeededRandom } from "./random.ts";
import { type SimDisk, SimStore } from "./store.ts";
import { SimTargets } from "./targets.ts";
import type { Temper } from "./temper.ts";
import { SimToolServers } from "./tool-servers.ts";

const slowMerges = 5;

/** One boot of the daemon. After crash() nothing that it began ever returns. */
export class SimBoot {
  readonly world: World;
  readonly #clock: SimClock;
  readonly #random: SeededRandom;
  readonly #temper: Temper;
  readonly #provider: SimProvider;
  readonly #disk: SimDisk;
  readonly #store: SimStore;
  readonly #audit = new SimAudit();
  readonly #busy = new Set<LoopId>();
  #crashed = false;

  constructor(clock: SimClock, random: SeededRandom, disk: SimDisk, temper: Temper) {
    this.#clock = clock;
    this.#random = random;
    this.#temper = temper;
    this.#provider = new SimProvider(clock, temper);
    this.#disk = disk;
    this.#store = new SimStore(disk, () => this.#takes(temper.diskMsMax));
    this.world = this.#makeWorld();
  }

  crash(): void {
    this.#crashed = true;
    this.#store.crash(this.#random.between(0, 3));
  }

  #makeWorld(): World {
    const { repository } = this.#disk;
    const step = (what: string) => this.#gitStep(what);
    return {
      clock: {
        now: () => this.#clock.now(),
        sleepUntil: (at, signal) => this.#orNever(this.#clock.sleepUntil(at, signal)),
      },
      random: this.#random,
      store: this.#store,
      transcripts: {
        write: () => undefined,
        flush: () => this.#orNever(Promise.resolve()),
        read: async () => [],
      },
      audit: this.#audit,
      models: { resolve: (name) => this.#model(name) },
      sandbox: {
        run: (request, signal) => this.#run(request, signal),
        forget: async () => undefined,
      },
      worktrees: new SimWorktrees(repository, { step }),
      targets: new SimTargets(repository, { step }),
      pullRequests: new SimPullRequests(repository, { step: (what) => this.#remoteStep(what) }),
      fileSystem: { files: (dir) => simFiles(repository, dir) },
      documents: simDocuments(repository),
      fetcher: { fetch: () => Promise.reject(new ToolRefusal("there is no network")) },
      toolServers: new SimToolServers({}),
      loopTypes: simTypes,
      hooks: { run: async () => (this.#random.chance(0.1) ? "the hook failed" : null) },
      mergeBatchMax: this.#temper.mergeBatchMax,
      watch: () => undefined,
      redact: (text) => text,
    };
  }

  #model(name: string) {
    return simModel(name.replace("sim/", ""), {
      random: this.#random,
      temper: this.#temper,
      provider: this.#provider,
      atWork: (loop) => this.#atWork(loop),
      takes: (msMax, signal) => this.#takes(msMax, signal),
      began: (loop, model, tokensMax, signal) =>
        this.#callBegan(loop as LoopId, model, tokensMax, signal),
    });
  }

  #atWork(id: string): readonly LoopId[] {
    const loops = [...this.#disk.state.loops.values()];
    return loops.filter((each) => each.id !== id && each.status === "running").map(({ id }) => id);
  }

  /** No two calls of one loop, none of a loop that does not run, none on a parked model. */
  #callBegan(
    id: LoopId,
    model: string,
    tokensMax: number,
    signal: AbortSignal,
  ): (tokens: number) => void {
    const { state, bill } = this.#disk;
    const reserved = state.loops.get(id)?.reservations.reduce((sum, each) => sum + each.tokens, 0);
    assert((reserved ?? 0) >= tokensMax, `${id} calls without a reservation`);
    const parking = state.parked.get(`sim/${model}`);
    const now = this.#clock.now();
    assert(parking === undefined || parking.until <= now, `${id} calls a parked model`);
    const done = this.#effectBegan(id);
    const left = this.#provider.began(model);
    const before = bill.get(id) ?? 0;
    bill.set(id, before + tokensMax);
    return (tokens) => {
      bill.set(id, before + tokens);
      left();
      done();
      this.#checkHalted(id, signal);
    };
  }

  /** A loop does one thing at a time, and is halted soon after it was taken from its attempt. */
  #effectBegan(id: LoopId): () => void {
    assert(!this.#busy.has(id), `${id} does two things at once`);
    this.#busy.add(id);
    return () => this.#busy.delete(id);
  }

  #checkHalted(id: LoopId, signal: AbortSignal): void {
    const loop = this.#disk.state.loops.get(id);
    if (signal.aborted || loop === undefined || loop.status === "running") return;
    // What is delivered, or checked as a whole, has no attempt.
    if (isDelivery(this.#disk.state, loop)) return;
    const sinceMs = this.#clock.now() - loop.updatedAt;
    const graceMs = 1_000 + 12 * this.#temper.diskMsMax;
    assert(sinceMs <= graceMs, `${id} is ${loop.status} for ${sinceMs} ms and still acts`);
  }

  async #run(request: CommandRequest, signal: AbortSignal): Promise<CommandResult> {
    const { temper } = this;
    const startedAt = this.#clock.now();
    if (this.#random.chance(temper.sandboxFails)) throw new SandboxUnavailable("no bubblewrap");
    this.#checkRecorded(request);
    const done = this.#effectBegan(request.loop);
    await this.#takes(temper.commandMsMax * this.#slowness(request.loop), signal);
    done();
    this.#checkHalted(request.loop, signal);
    const durationMs = this.#clock.now() - startedAt;
    const isLate = durationMs > request.timeoutMs;
    if (signal.aborted || isLate) {
      const ended = isLate ? "timedOut" : "aborted";
      return { exitCode: null, ended, output: "", stdout: "", stderr: "", durationMs };
    }
    const files = this.#disk.repository.worktrees.get(request.cwd) ?? new Map<string, string>();
    const passes = isGreen(files) && !this.#random.chance(temper.validationFlakes);
    if (passes && request.command === levelCheck)
      this.#disk.repository.levelsPassed.push(new Map(files));
    const output = passes ? "ok" : `failed: ${files.get("src.txt")}`;
    const exitCode = passes ? 0 : 1;
    return { exitCode, ended: "exited", output, stdout: output, stderr: "", durationMs };
  }

  /** A queue has to form before anything is merged in batches. */
  #slowness(id: LoopId): number {
    const isMerging = this.#disk.state.loops.get(id)?.merge != null;
    return isMerging && this.#temper.mergeBatchMax > 1 ? slowMerges : 1;
  }

  /** Nothing runs that the audit does not know of. */
  #checkRecorded({ loop, command }: CommandRequest): void {
    const isRecorded = this.#audit.acts.some(
      (act) => act.type === "command" && act.loop === loop && act.command === command,
    );
    assert(isRecorded, `${loop} runs ${command} unrecorded`);
  }

  get temper(): Temper {
    return this.#temper;
  }

  async #gitStep(what: string): Promise<void> {
    await this.#takes(500);
    if (this.#random.chance(this.#temper.gitFails)) throw new Error(`git ${what} failed`);
  }

  /** Networks fail in the best of times. */
  async #remoteStep(what: string): Promise<void> {
    await this.#gitStep(what);
    if (this.#random.chance(0.2)) throw new Error(`there is no network to ${what}`);
  }

  #takes(msMax: Millis, signal?: AbortSignal): Promise<void> {
    const until = this.#clock.now() + this.#random.between(0, msMax);
    return this.#orNever(this.#clock.sleepUntil(until, signal));
  }

  async #orNever<T>(effect: Promise<T>): Promise<T> {
    const result = await effect;
    return this.#crashed ? new Promise(() => {}) : result;
  }
}
