/** A program in memory: loops are plain views, and a drive plays what the test wrote down. */

import { type LoopId, noUsage } from "../../src/core/loop.ts";
import type { LiveEvent, TranscriptEntry } from "../../src/ports.ts";
import type { AlertView, NotifyTestView } from "../../src/protocol/alerts.ts";
import type {
  Door,
  FeedEvent,
  IterationRecord,
  Raise,
  Reader,
  RunPlan,
  RunRequest,
} from "../../src/protocol/door.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";
import type {
  AuditFilter,
  AuditView,
  Check,
  InitView,
  Program,
  StoreCheck,
} from "../../src/protocol/program.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import type { WhyView } from "../../src/views/why.ts";
import { auditRecords } from "./fake-audit.ts";
import { fakeChat } from "./fake-chat.ts";
import { noDraft } from "./fake-draft.ts";
import { FakeHome } from "./fake-home.ts";
import { FakeMail } from "./fake-mail.ts";
import { fakeNumbers } from "./fake-metrics.ts";
import { digestSince, sampleReport } from "./fake-report.ts";
import { queueView, statusView } from "./fake-status.ts";

export const startedAt = Date.UTC(2026, 0, 1);

export function loop(id: string, more: Partial<LoopView> = {}): LoopView {
  return {
    id,
    type: "ralph",
    parent: null,
    title: "Make the tests pass",
    status: "pending",
    stage: null,
    reason: null,
    blockedOn: null,
    priority: "normal",
    dependsOn: [],
    attempt: 1,
    iteration: 0,
    maxIterations: 10,
    repo: "/repo",
    branch: null,
    baseCommit: "a".repeat(40),
    headCommit: null,
    ...{ delivered: null, pullRequest: null, merging: null, verdict: null, baseline: null },
    ...{ model: "anthropic/model", typeVersion: null },
    usage: noUsage,
    notBefore: null,
    createdAt: new Date(startedAt).toISOString(),
    updatedAt: new Date(startedAt).toISOString(),
    ...more,
  };
}

export const passed: LoopView["verdict"] = {
  passed: true,
  exitCode: 0,
  command: "npm test",
  durationMs: 1234,
  commit: "b".repeat(40),
  tests: { runner: "vitest", ran: 12, failed: 0 },
  note: null,
};

export const complete: Partial<LoopView> = {
  status: "complete",
  iteration: 2,
  branch: "taskdaemon/1",
  headCommit: "b".repeat(40),
  delivered: { to: "taskdaemon/1", commit: "b".repeat(40) },
  verdict: passed,
  usage: {
    inputTokens: 12_000,
    outputTokens: 345,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    costUsd: 0.1234,
    requests: 5,
  },
};

/** What a drive does: sends events, and says what the loop then is. */
export type Story = (
  watch: (event: LiveEvent) => void,
  signal: AbortSignal,
) => Promise<Partial<LoopView>>;

type Eventless = LiveEvent extends infer Each
  ? Each extends LiveEvent
    ? Omit<Each, "loop">
    : never
  : never;

export function live(id: string, event: Eventless): LiveEvent {
  return { loop: id as LoopId, ...event } as LiveEvent;
}

export class FakeProgram extends FakeHome implements Program {
  readonly loopsById = new Map<string, LoopView>();
  readonly feed: FeedEvent[] = [];
  readonly records = new Map<string, IterationRecord[]>();
  checks: Check[] = [{ name: "node", state: "ok", message: "v24.0.0", remedy: null }];
  init: InitView = {
    file: "/repo/taskdaemon.yml",
    text: "# taskdaemon.yml\n",
    exists: false,
    detected: null,
  };
  store: StoreCheck = { ok: true, json: { ok: true, events: 3 }, lines: ["3 events, all sound"] };
  readonly mail = new FakeMail();
  diffText = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n";
  version = "1.2.3";
  daemonVersion = "1.2.3";
  planned: RunPlan = {
    repo: "/repo",
    baseCommit: "a".repeat(40),
    baseName: "main",
    model: "anthropic/model",
    priceKnown: true,
    validation: { command: "npm test", detectedFrom: "package.json scripts.test" },
    sandbox: "bubblewrap, no network",
    deliver: "branch",
    iterationsMax: 10,
    budgetUsd: null,
    worktree: [],
    estimate: { loops: 1, costUsd: 0.4 },
    prompt: { system: "You are a senior engineer.", text: "# Loop 1" },
  };
  draft = noDraft;
  story: Story = async () => complete;
  openError: Error | null = null;
  daemonRuns = true;
  /** Called on each poll of a reader, so that a test may let time pass. */
  onRead: () => void = () => undefined;

  constructor(...loops: LoopView[]) {
    super();
    for (const each of loops) this.loopsById.set(each.id, each);
  }

  find(id: string): LoopView {
    const found = this.loopsById.get(id);
    if (found === undefined) {
      throw new UserError(exitCodes.notFound, `there is no loop ${id} (td list shows all)`);
    }
    return found;
  }

  change(id: string, more: Partial<LoopView>): LoopView {
    const changed = { ...this.find(id), ...more };
    this.loopsById.set(id, changed);
    return changed;
  }

  record(id: string, iteration: number, entries: TranscriptEntry[], diff = ""): void {
    const before = this.records.get(id) ?? [];
    const others = before.filter((each) => each.iteration !== iteration);
    this.records.set(id, [...others, { iteration, entries, diff }]);
  }

  async openReader(): Promise<Reader> {
    if (this.openError !== null) throw this.openError;
    return {
      loops: async ({ status, type, plan }) =>
        [...this.loopsById.values()]
          .filter((each) => status === null || each.status === status)
          .filter((each) => type === null || each.type === type)
          .filter((each) => plan === null || each.id.startsWith(plan)),
      loop: async (id) => {
        this.onRead();
        return this.find(id);
      },
      why: async (id) => this.#why(id),
      digest: async (since) => digestSince(since),
      report: async (id) => ({ ...sampleReport, id: this.find(id).id }),
      draft: async (id) => ({ id, status: this.find(id).status, ...this.draft }),
      events: async (from) => {
        this.onRead();
        return this.feed.filter(({ seq }) => seq >= from);
      },
      iterations: async (id) => {
        this.find(id);
        return (this.records.get(id) ?? []).map(({ iteration }) => iteration);
      },
      record: async (id, iteration) => this.#record(id, iteration),
      ...this.mail.reader,
      diff: async (id) => {
        this.find(id);
        return this.diffText;
      },
    };
  }

  #why(id: string): WhyView {
    const { status, reason } = this.find(id);
    return {
      id,
      status,
      sentence: reason ?? `It is ${status}.`,
      causes: ["Iteration 2: `npm test` did not pass: exit code 1."],
      remedy: `td run --resume ${id}`,
    };
  }

  #record(id: string, iteration: number): IterationRecord {
    this.find(id);
    const found = this.records.get(id)?.find((each) => each.iteration === iteration);
    if (found === undefined) {
      throw new UserError(
        exitCodes.notFound,
        `loop ${id} has no record of iteration ${iteration} (it has none yet)`,
      );
    }
    return found;
  }

  alerts: readonly AlertView[] = [];
  notified: readonly NotifyTestView[] = [];

  async plan(_place: unknown, request: RunRequest): Promise<RunPlan> {
    this.asked.push(request);
    return this.planned;
  }

  async #door(): Promise<Door> {
    const reader = await this.openReader();
    const to = (status: string) => async (id: string) => this.change(id, { status });
    return {
      ...reader,
      createAll: async (requests) => {
        this.asked.push(...requests);
        return requests.map(() => this.#created());
      },
      plan: async (request: RunRequest) => {
        this.asked.push(request);
        return this.planned;
      },
      create: async () => this.#created(),
      drive: async (id, watch, signal) => {
        this.change(id, { status: "running" });
        return this.change(id, await this.story(watch, signal));
      },
      resume: async (id: string, raise: Raise) => {
        this.asked.push({ resume: id, ...raise });
        return this.change(id, { status: "pending" });
      },
      amend: async (id, amendment) => {
        this.asked.push({ amend: id, ...amendment });
        return this.find(id);
      },
      board: async () => ({ focus: () => undefined, close: () => undefined }),
      pause: to("paused"),
      stop: to("stopped"),
      answer: async (id, text) => {
        this.asked.push({ answer: id, text });
        return this.change(id, { status: "pending" });
      },
      ...this.mail.door,
      rollback: async (id, iteration) => this.change(id, { iteration }),
      version: async () => this.daemonVersion,
      status: async () => ({ ...statusView, alerts: this.alerts }),
      alerts: async () => this.alerts,
      testNotify: async () => this.notified,
      queue: async () => queueView,
      ...fakeNumbers,
      ...fakeChat(),
      shutdown: async () => undefined,
    };
  }

  #created(): LoopView {
    const id = String(this.loopsById.size + 1);
    this.loopsById.set(id, loop(id));
    return this.find(id);
  }

  async daemon(): Promise<Door | null> {
    return this.daemonRuns ? this.#door() : null;
  }

  async startDaemon(): Promise<Door> {
    if (this.daemonRuns) throw new UserError(exitCodes.daemon, "a daemon serves /home/td already");
    this.daemonRuns = true;
    this.daemonVersion = this.version;
    return this.#door();
  }

  async stopDaemon(): Promise<void> {
    if (!this.daemonRuns)
      throw new UserError(exitCodes.daemon, "no daemon serves /home/td: td start");
    this.daemonRuns = false;
  }

  async runDaemon(): Promise<number> {
    return exitCodes.done;
  }

  async guardDaemon(): Promise<number> {
    return exitCodes.done;
  }

  async doctor(): Promise<readonly Check[]> {
    return this.checks;
  }

  async initFile(): Promise<InitView> {
    return this.init;
  }

  async writeInit(view: InitView): Promise<void> {
    this.asked.push({ wrote: view.file });
  }

  async config() {
    return {
      text: "iteration:\n  max: 100 # default\n",
      json: { iteration: { max: 100 } },
      warnings: [],
    };
  }

  testTypes = async () => [];
  configHistory = async () => [];
  configRollback = async () => ({ edits: [{ file: "/repo/taskdaemon.yml", text: "x" }] });
  configMigration = async () => ({ edits: [] });
  rewriteConfig = async (view: unknown) => void this.asked.push(view);

  async configSchema(): Promise<unknown> {
    return { type: "object" };
  }

  async types() {
    return [{ name: "ralph", description: "Changes code until it passes.", origin: "built-in" }];
  }

  async type(_place: unknown, name: string) {
    if (name !== "ralph") {
      throw new UserError(exitCodes.notFound, `there is no loop type ${name} (there are: ralph)`);
    }
    return {
      name,
      description: "Changes code until it passes.",
      origin: "built-in",
      version: "abc123",
      overrides: null,
      bases: [],
      values: [{ key: "tools", value: ["read", "bash"], from: "ralph.yml:5:3" }],
      system: "You are a senior engineer.",
      prompt: "# Loop 1",
      text: "name: ralph\n",
    };
  }

  readonly verifyStore = async (): Promise<StoreCheck> => this.store;
  readonly repairStore = this.verifyStore;
  readonly snapshotStore = this.verifyStore;
  readonly compactStore = this.verifyStore;
  readonly backupStore = this.verifyStore;
  readonly restoreStore = this.verifyStore;
  readonly storeAt = async () => [];

  readonly verifyAudit = this.verifyStore;

  async auditRecords(
    _place: unknown,
    filter: AuditFilter,
    tell: (record: AuditView) => void,
  ): Promise<void> {
    for (const record of auditRecords) {
      if (filter.loop === null || filter.loop === record.loop) tell(record);
    }
  }

  async mockLlm({ write }: { write: (line: string) => void }, signal: AbortSignal): Promise<void> {
    write("http://127.0.0.1:4010");
    if (signal.aborted) return;
    await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
  }

  async demo({ write }: { write: (line: string) => void }): Promise<number> {
    write("the demo is over");
    return exitCodes.done;
  }
}
