/** A daemon's desk in memory: the doors, the board and the page before it are real. */
import type { LiveEvent, TranscriptEntry } from "../../src/ports.ts";
import type { AlertView } from "../../src/protocol/alerts.ts";
import type { Desk } from "../../src/protocol/desk.ts";
import type { FeedEvent } from "../../src/protocol/door.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { reportHtml, reportPolicy } from "../../src/views/report-html.ts";
import { loop } from "../cli/fake-program.ts";
import { sampleReport } from "../cli/fake-report.ts";
import { queueView, statusView } from "../cli/fake-status.ts";

const usage = {
  inputTokens: 12_400,
  outputTokens: 1_830,
  cacheReadTokens: 48_000,
  cacheWriteTokens: 9_000,
  costUsd: 0.1834,
  requests: 9,
};

const config = `# user: /home/ada/.config/taskdaemon/taskdaemon.yml
llm:
  default: anthropic/model # user:3:3
concurrency:
  loops: 50 # built in
budget:
  day-usd: 50 # user:7:3
`;

export class FakeDesk {
  readonly loopsById = new Map<string, LoopView>();
  readonly asked: unknown[] = [];
  readonly log: FeedEvent[] = [];
  diffText = "";
  entries: readonly TranscriptEntry[] = [];
  readonly #followers = new Set<(event: FeedEvent) => void>();
  readonly #watchers = new Set<(event: LiveEvent) => void>();

  /** A loop as it is from now on, told to whoever follows. */
  change(id: string, more: Partial<LoopView>): LoopView {
    const updatedAt = new Date().toISOString();
    const before = this.loopsById.get(id) ?? loop(id, { usage });
    const next = { ...before, updatedAt, ...more };
    this.loopsById.set(id, next);
    const seq = this.log.length + 1;
    const event = { seq, at: updatedAt, type: "loop.status", loop: id, data: {} };
    this.log.push(event);
    for (const follower of this.#followers) follower(event);
    return next;
  }

  tell(event: LiveEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }

  /** How many follow at this moment. */
  get followers(): number {
    return this.#followers.size;
  }

  find(id: string): LoopView {
    const found = this.loopsById.get(id);
    if (found === undefined) throw new UserError(exitCodes.notFound, `there is no loop ${id}`);
    return found;
  }

  desk(): Desk {
    return { ...this.#reading(), ...this.#asking() } as unknown as Desk;
  }

  #reading() {
    return {
      loops: async () => [...this.loopsById.values()],
      loop: async (id: string) => ({
        ...this.find(id),
        budget: { usd: { limit: 5, spent: 0.18, reserved: 0 }, tokens: null, plan: null },
      }),
      why: async (id: string) => ({
        id,
        status: this.find(id).status,
        sentence: `It is ${this.find(id).status}: ${this.find(id).reason ?? "all is well"}.`,
        causes: ["npm test: 2 of 14 tests failed"],
        remedy: null,
      }),
      draft: async (id: string) => ({
        id,
        status: this.find(id).status,
        task: "# Billing\n\nStore sessions in the database.\n\n- expire them\n- test that",
        documents: id.includes(".") ? [] : this.documents,
        estimate: { loops: 7, costUsd: 3.2 },
      }),
      diff: async () => this.diffText,
      iterations: async () => [0, 1, 2],
      record: async (_id: string, iteration: number) => ({
        iteration,
        entries: this.entries,
        diff: this.diffText.slice(0, 4_000),
      }),
      reportPage: async (id: string) => ({
        html: reportHtml({ ...sampleReport, id: this.find(id).id }),
        policy: reportPolicy,
      }),
      events: async (from: number) => this.log.slice(from - 1, from + 999),
      status: async () => ({ ...statusView, ...this.#counted(), alerts: this.alerts }),
      queue: async () => queueView,
      questions: async () => [],
      history: async () => this.history(),
      config: async () => ({ text: config, json: {}, warnings: [] }),
      follow: async (from: number, listener: (event: FeedEvent) => void) => {
        for (const event of this.log.slice(from - 1)) listener(event);
        this.#followers.add(listener);
        return () => this.#followers.delete(listener);
      },
      watch: (loopId: string | null, listener: (event: LiveEvent) => void) => {
        const watcher = (event: LiveEvent) => {
          if (loopId === null || event.loop === loopId) listener(event);
        };
        this.#watchers.add(watcher);
        return () => this.#watchers.delete(watcher);
      },
    };
  }

  #asking() {
    const to = (name: string, status: string) => async (id: string, given?: unknown) => {
      this.find(id);
      this.asked.push(given === undefined ? { [name]: id } : { [name]: id, given });
      return this.change(id, { status, blockedOn: null, reason: null });
    };
    return {
      pause: to("pause", "paused"),
      resume: async (id: string, raise: object) =>
        to("resume", "pending")(id, Object.keys(raise).length === 0 ? undefined : raise),
      stop: to("stop", "stopped"),
      answer: to("answer", "pending"),
      feedback: to("feedback", "pending"),
      amend: to("amend", "delegated"),
      metricsText: async () => ({ text: "taskdaemon_up 1\n", contentType: "text/plain" }),
    };
  }

  alerts: readonly AlertView[] = [];

  readonly documents = ["plan", "specs/01-schema", "specs/02-session"].map((name) => ({
    path: `${name}.md`,
    name,
    title: `Document ${name}`,
    text: `---\ntitle: ${name}\n---\n\n## What\n\nExpired sessions are **refused**.\n`,
    becomes: name === "plan" ? null : "spec",
    dependsOn: [],
    touches: [],
    validate: null,
    allowGateChange: [],
  }));

  history() {
    const buckets = Array.from({ length: 96 }, (_, index) => ({
      at: new Date(Date.UTC(2026, 10, 22) + index * 900_000).toISOString(),
      inputTokens: 4_000 + 3_000 * Math.sin(index / 7),
      cachedTokens: 9_000 + 8_000 * Math.cos(index / 9),
      outputTokens: 900,
      costUsd: 0.2 + 0.15 * Math.sin(index / 5),
      requests: 12,
      completed: index % 5,
      failed: index % 11 === 0 ? 1 : 0,
      iterations: 8,
      passed: 3 + (index % 5),
      latencyMs: 1_800 + 700 * Math.sin(index / 3),
    }));
    return { bucketMs: 900_000, buckets };
  }

  #counted() {
    const loops: Record<string, number> = {};
    for (const { status } of this.loopsById.values()) loops[status] = (loops[status] ?? 0) + 1;
    return { loops, store: { seq: this.log.length, bytes: 1 } };
  }
}
