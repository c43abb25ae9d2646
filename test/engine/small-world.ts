/** The simulator's store and git, a model that follows a script, and commands that a test answers. */
import { SimAudit } from "../../sim/audit.ts";
import { SimClock } from "../../sim/clock.ts";
import { type SimRepository, SimWorktrees, simDocuments, simFiles } from "../../sim/git.ts";
import { SimPullRequests } from "../../sim/pull-requests.ts";
import { SeededRandom } from "../../sim/random.ts";
import { SimDisk, SimStore } from "../../sim/store.ts";
import { SimTargets } from "../../sim/targets.ts";
import { type SimServers, SimToolServers } from "../../sim/tool-servers.ts";
import { type RateLimits, unlimited } from "../../src/core/admission.ts";
import type { Command } from "../../src/core/commands.ts";
import type { Hold } from "../../src/core/dispatch.ts";
import type { Event } from "../../src/core/events.ts";
import { type Loop, type LoopId, type LoopSettings, noUsage } from "../../src/core/loop.ts";
import { loopOf } from "../../src/core/state.ts";
import { Gates } from "../../src/engine/gates.ts";
import { reconcile, recover } from "../../src/engine/loop-manager.ts";
import { type Limits, Scheduler } from "../../src/engine/scheduler.ts";
import { StateManager } from "../../src/engine/state-manager.ts";
import type { HookRequest } from "../../src/ports/hooks.ts";
import { LlmError, type LlmReply, type LlmRequest, type Model } from "../../src/ports/llm.ts";
import {
  type CommandRequest,
  type CommandResult,
  type LiveEvent,
  type LoopType,
  type PromptValues,
  ToolRefusal,
  type TranscriptEntry,
  type World,
} from "../../src/ports.ts";
import { brief, settings } from "../given.ts";

/** What the model does on its n-th call, counted from 1 over all conversations. */
export type Script = (request: LlmRequest, call: number) => LlmReply | LlmError | "hang" | "dead";
/** The files of the worktree, and what is run there. */
export type Runs = (files: ReadonlyMap<string, string>, request: CommandRequest) => Ran;
type Ran = number | { readonly exitCode: number; readonly output: string } | "hang";

const price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };
const usage = { ...noUsage, inputTokens: 10, outputTokens: 5, costUsd: null, requests: 1 };

export function says(text: string, stopReason: LlmReply["stopReason"] = "endTurn"): LlmReply {
  return { content: [{ type: "text", text }], stopReason, usage };
}

export function calls(...named: readonly (readonly [name: string, input: unknown])[]): LlmReply {
  const content = named.map(([name, input], n) => ({
    type: "toolCall" as const,
    id: `call-${n}`,
    name,
    input,
  }));
  return { content, stopReason: "toolUse", usage };
}

export const finished = calls(["complete_task", { summary: "done" }]);
/** Reads a file, as one must before writing it, and writes it. */
export function writes(content: string, path = "src.txt"): LlmReply {
  return calls(["read", { path }], ["write", { path, content }]);
}

/** Green when src.txt is good. */
export const honest: Runs = (files) =>
  files.get("src.txt") === "good" ? 0 : { exitCode: 1, output: `red: ${files.get("src.txt")}` };

export interface Wishes {
  readonly script?: Script;
  readonly runs?: Runs;
  readonly price?: Model["price"];
  /** Besides ralph. */
  readonly types?: readonly LoopType[];
  readonly hooks?: (request: HookRequest) => string | null;
  readonly limits?: RateLimits;
  readonly runningMax?: number;
  readonly mergeBatchMax?: number;
  readonly servers?: SimServers;
  /** May throw; called before every step of git. */
  readonly git?: (what: string) => void;
}

const hourMs = 3_600_000;
const limits: Omit<Limits, "runningMax"> = {
  perType: {},
  agingMs: hourMs,
  retryAfterMaxMs: 60_000,
  pollMs: hourMs,
  wants: () => true,
};

/** So many attempts in a row may err before a loop fails. */
export const failuresMax = 3;

/** One daemon on one disk; `restart` is a crash and a new one. */
export class SmallWorld {
  readonly clock = new SimClock();
  readonly disk = new SimDisk(() => undefined);
  readonly requests: LlmRequest[] = [];
  readonly commands: CommandRequest[] = [];
  readonly hooked: HookRequest[] = [];
  readonly seen: LiveEvent[] = [];
  readonly transcripts: TranscriptEntry[] = [];
  readonly audit = new SimAudit();
  readonly toolServers: SimToolServers;
  /** Model calls and commands under way. */
  busy = 0;
  states!: StateManager;
  scheduler!: Scheduler;
  gates!: Gates;
  failure: unknown = null;
  /** What is configured now. */
  dayUsd: number | null = null;
  hold: Hold | null = null;
  #halt = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #store!: SimStore;
  #boot = 0;
  readonly #wishes: Wishes;

  private constructor(wishes: Wishes) {
    this.#wishes = wishes;
    this.toolServers = new SimToolServers(wishes.servers ?? {});
  }

  static async start(wishes: Wishes): Promise<SmallWorld> {
    const small = new SmallWorld(wishes);
    await small.restart();
    return small;
  }

  get base(): string {
    return this.disk.repository.base;
  }

  /** Whatever the old daemon was doing goes nowhere any more. */
  async restart(): Promise<void> {
    this.#store?.crash(0);
    this.busy = 0;
    this.#boot += 1;
    this.#store = new SimStore(this.disk, () => this.#sleep(this.clock.now() + 1));
    this.#halt = new AbortController();
    const { signal } = this.#halt;
    const world = this.#world();
    const states = await StateManager.open(world, failuresMax);
    this.states = states;
    const patience = { retryAfterMaxMs: 60_000, triesMax: 3 };
    const gates = new Gates(world, () => this.#wishes.limits ?? unlimited);
    this.gates = gates;
    const run = async () => {
      await recover(states);
      const drain = new AbortController().signal;
      const gatesOf = (provider: string) => [gates.shared(provider)];
      const dayUsd = () => this.dayUsd;
      const engineOf = async () => ({ world, states, patience, drain, gatesOf, dayUsd });
      const { clock, random } = world;
      const crew = { states, clock, random, owner: "test", drain, engineOf };
      const runningMax = this.#wishes.runningMax ?? 2;
      const outside = { ...crew, hold: () => this.hold };
      this.scheduler = new Scheduler(outside, { ...limits, runningMax });
      await reconcile(crew, this.scheduler, signal);
    };
    this.#ended = run().catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** Interrupts everything and waits for its end, as a graceful stop does. */
  async stop(): Promise<void> {
    let isOver = false;
    this.#halt.abort("the daemon stops");
    void this.#ended.then(() => {
      isOver = true;
    });
    await this.clock.run(() => isOver, this.clock.now() + hourMs);
  }

  async create(more: Partial<LoopSettings> = {}): Promise<LoopId> {
    const created = brief({ settings: { ...settings, baseCommit: this.base, ...more } });
    const decision = await this.ask({ type: "createLoop", loop: created });
    if (!decision.ok || decision.id === null) throw new Error("not created");
    return decision.id;
  }

  async createOf(
    type: string,
    approved = false,
    more: Partial<LoopSettings> = {},
  ): Promise<LoopId> {
    const own = { ...settings, baseCommit: this.base, ...more };
    const created = brief({ type, settings: own, approved });
    const decision = await this.ask({ type: "createLoop", loop: created });
    if (!decision.ok || decision.id === null) throw new Error("not created");
    return decision.id;
  }

  breakDisk(): void {
    this.#store.breakDisk();
  }

  async ask(command: Command) {
    let decision: Awaited<ReturnType<StateManager["submit"]>> | null = null;
    void this.states.submit(command).then((answer) => {
      decision = answer;
    });
    await this.clock.run(() => decision !== null, this.clock.now() + 100);
    if (decision === null) throw new Error("no answer");
    return decision as Awaited<ReturnType<StateManager["submit"]>>;
  }

  /** Lets time pass until the loop is so, or for two hours. */
  async until(id: LoopId, isSo: (loop: Loop) => boolean, forMs = 2 * hourMs): Promise<Loop> {
    const now = () => loopOf(this.states.state, id);
    const isOver = () => this.failure !== null || isSo(now());
    await this.clock.run(isOver, this.clock.now() + forMs);
    if (this.failure !== null) throw this.failure;
    return now();
  }

  /** Lets the loop come to rest: no attempt, and nothing to wait for. */
  async rest(id: LoopId): Promise<Loop> {
    const isAtRest = ({ status }: Loop) => status !== "pending" && status !== "running";
    return this.until(id, isAtRest);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.run(() => false, this.clock.now() + ms);
  }

  events(type: Event["type"]): Event[] {
    return this.disk.transactions.flatMap(({ events }) => events).filter((e) => e.type === type);
  }

  #world(): World {
    const { repository } = this.disk;
    const step = async (what: string) => {
      await this.#sleep(this.clock.now() + 10);
      this.#wishes.git?.(what);
    };
    return {
      clock: {
        now: () => this.clock.now(),
        sleepUntil: (at, signal) => this.#sleep(at, signal),
      },
      random: new SeededRandom(1),
      store: this.#store,
      transcripts: {
        write: (_loop, _iteration, entry) => this.transcripts.push(entry),
        flush: async () => undefined,
        read: async () => this.transcripts,
      },
      audit: this.audit,
      models: { resolve: (name) => this.#model(name) },
      sandbox: {
        run: (request, signal) => this.#run(repository, request, signal),
        forget: async () => undefined,
      },
      worktrees: new SimWorktrees(repository, { step }),
      targets: new SimTargets(repository, { step }),
      pullRequests: new SimPullRequests(repository, { step }),
      fileSystem: { files: (dir) => simFiles(repository, dir) },
      documents: simDocuments(repository),
      fetcher: { fetch: () => Promise.reject(new ToolRefusal("no network")) },
      toolServers: this.toolServers,
      loopTypes: {
        get: (name) => this.#types.find((type) => type.name === name) ?? null,
        list: () => this.#types,
      },
      hooks: {
        run: async (request) => {
          this.hooked.push(request);
          return this.#wishes.hooks?.(request) ?? null;
        },
      },
      mergeBatchMax: this.#wishes.mergeBatchMax ?? 1,
      watch: (event) => this.seen.push(event),
      redact: (text) => text,
    };
  }

  get #types(): readonly LoopType[] {
    return [ralph, ...(this.#wishes.types ?? [])];
  }

  #model(name: string): Model {
    const complete = async (request: LlmRequest, signal: AbortSignal) => {
      this.requests.push({ ...request, messages: structuredClone(request.messages) });
      const reply = this.#wishes.script?.(request, this.requests.length) ?? finished;
      // Neither the world nor who waits for it ends that.
      if (reply === "dead") return new Promise<never>(() => {});
      await this.#takes(reply === "hang" ? 24 * hourMs : 100, signal);
      if (signal.aborted || reply === "hang") throw new LlmError("aborted", "aborted");
      if (reply instanceof LlmError) throw reply;
      return reply;
    };
    const known = this.#wishes.price === undefined ? price : this.#wishes.price;
    const short = name.replace("sim/", "");
    return {
      provider: "sim",
      name: short,
      client: { complete },
      price: known,
      outputTokensMax: 4_000,
    };
  }

  async #run(
    repository: SimRepository,
    request: CommandRequest,
    signal: AbortSignal,
  ): Promise<CommandResult> {
    this.commands.push(request);
    const files = repository.worktrees.get(request.cwd) ?? new Map();
    const ran = (this.#wishes.runs ?? honest)(files, request);
    const startedAt = this.clock.now();
    await this.#takes(ran === "hang" ? request.timeoutMs : 100, signal);
    const durationMs = this.clock.now() - startedAt;
    const nothing = { exitCode: null, output: "", stdout: "", stderr: "", durationMs };
    if (signal.aborted) return { ...nothing, ended: "aborted" };
    if (ran === "hang") return { ...nothing, ended: "timedOut" };
    const { exitCode, output } = typeof ran === "number" ? { exitCode: ran, output: "" } : ran;
    return { exitCode, ended: "exited", output, stdout: output, stderr: "", durationMs };
  }

  async #takes(ms: number, signal: AbortSignal): Promise<void> {
    this.busy += 1;
    await this.#sleep(this.clock.now() + ms, signal);
    this.busy -= 1;
  }

  /** After a crash nobody wakes. */
  async #sleep(at: number, signal?: AbortSignal): Promise<void> {
    const boot = this.#boot;
    await this.clock.sleepUntil(at, signal);
    if (boot !== this.#boot) await new Promise(() => {});
  }
}

const ralph: LoopType = {
  name: "ralph",
  version: "1",
  description: "",
  tools: [
    ...["read", "write", "bash", "alert", "query", "share", "reply", "stop_loop"],
    ...["ask_person", "complete_task"],
  ],
  origin: "built-in",
  needs: [],
  begets: null,
  renderSystem: ({ id }: PromptValues) => `loop ${id}`,
  renderPrompt: (values: PromptValues) =>
    [
      ...[values.brief, values.baseline, values.progress, values.interrupted],
      ...[values.answers, values.messages],
    ].join("\n"),
};
