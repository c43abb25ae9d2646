import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { readEvents, readState as readRestored } from "../adapters/store/history.ts";
import { FileTranscripts } from "../adapters/store/transcripts.ts";
import { estimateOf } from "../core/estimate.ts";
import type { Loop, LoopId, Millis, Stage } from "../core/loop.ts";
import { deadLetters } from "../core/message.ts";
import type { State } from "../core/state.ts";
import type { Transcripts, Worktrees } from "../ports.ts";
import type { FeedEvent, IterationRecord, LoopFilter, Reader } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { DraftView } from "../protocol/plans.ts";
import { budgetView } from "../views/budget-view.ts";
import { loopView, timeOf } from "../views/loop-view.ts";
import { messageView } from "../views/message-view.ts";
import { questions } from "../views/questions.ts";
import { type LiveWait, type WhyView, why } from "../views/why.ts";
import { systemClock } from "./clock.ts";
import { digestFor, reportFor } from "./report.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a reader looks at; a live daemon and a log on disk both have it. */
export interface Sight {
  readonly home: string;
  state(): Promise<State>;
  events(from: number): Promise<readonly FeedEvent[]>;
  readonly transcripts: Pick<Transcripts, "read">;
  readonly worktrees: Pick<Worktrees, "diff">;
  readonly now: () => Millis;
  /** What a loop waits for within a turn; only a live daemon knows. */
  waitOf(loop: LoopId): LiveWait | null;
  /** What a running loop is at; likewise. */
  stageOf(loop: LoopId): Stage | null;
}

const diffBytesMax = 20_000_000;

export function createReader(sight: Sight): Reader {
  const loopOf = async (id: string) => find(await sight.state(), id);
  return {
    loops: async (filter) =>
      selected(await sight.state(), filter).map((loop) => loopView(loop, sight.stageOf(loop.id))),
    loop: async (id) => {
      const state = await sight.state();
      const loop = find(state, id);
      return { ...loopView(loop, sight.stageOf(loop.id)), budget: budgetView(state, loop) };
    },
    why: async (id): Promise<WhyView> => {
      const state = await sight.state();
      const liveWaitOf = sight.waitOf;
      return why({ state, now: sight.now(), waitingOf: null, liveWaitOf }, find(state, id));
    },
    report: async (id) => {
      const state = await sight.state();
      return reportFor(sight, state, find(state, id));
    },
    digest: async (since) => digestFor(sight, await sight.state(), since),
    draft: async (id) => {
      const state = await sight.state();
      return draftOf(state, find(state, id));
    },
    questions: async () => questions(await sight.state()),
    deadLetters: async () => deadLetters(await sight.state()).map(messageView),
    events: (from) => sight.events(from),
    iterations: async (id) => iterationsOf(sight.home, await loopOf(id)),
    record: async (id, iteration) => recordOf(sight, await loopOf(id), iteration),
    diff: async (id) => {
      const { repo, settings, headCommit, tip } = await loopOf(id);
      // A plan changes what its loops have merged.
      const head = tip ?? headCommit;
      if (head === null) return "";
      return sight.worktrees.diff(repo, settings.baseCommit, head, diffBytesMax);
    },
  };
}

function draftOf(state: State, loop: Loop): DraftView {
  const { id, status, brief: task, documents } = loop;
  return { id, status, task, documents, estimate: estimateOf(state, loop) };
}

export function find(state: State, id: string): Loop {
  const loop = state.loops.get(id as LoopId);
  if (loop !== undefined) return loop;
  const known = [...state.loops.keys()].slice(-5).join(", ");
  const hint = known === "" ? "there are none yet" : `the newest are ${known}; td list shows all`;
  throw new UserError(exitCodes.notFound, `there is no loop ${id} (${hint})`);
}

function selected(state: State, { status, type, plan }: LoopFilter): Loop[] {
  return [...state.loops.values()]
    .filter((loop) => status === null || loop.status === status)
    .filter((loop) => type === null || loop.type === type)
    .filter(({ id }) => plan === null || id === plan || id.startsWith(`${plan}.`));
}

function iterationsOf(home: string, { id }: Loop): number[] {
  const names = entriesOf(join(home, "transcripts", id)).map(({ name }) => name);
  const numbers = names.flatMap((name) => /^(\d+)\.jsonl$/.exec(name)?.[1] ?? []).map(Number);
  return numbers.sort((a, b) => a - b);
}

function entriesOf(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

async function recordOf(sight: Sight, loop: Loop, iteration: number): Promise<IterationRecord> {
  const entries = await sight.transcripts.read(loop.id, iteration);
  if (entries.length === 0) {
    const known = iterationsOf(sight.home, loop).join(", ");
    const hint = known === "" ? "it has none yet" : `it has ${known}`;
    const message = `loop ${loop.id} has no record of iteration ${iteration} (${hint})`;
    throw new UserError(exitCodes.notFound, message);
  }
  const to = loop.checkpoints[iteration - 1];
  const from = loop.checkpoints[iteration - 2] ?? loop.settings.baseCommit;
  const diff =
    to === undefined ? "" : await sight.worktrees.diff(loop.repo, from, to, diffBytesMax);
  return { iteration, entries, diff };
}

/** The state as the log has it now, read without its lock. */
export async function readState(home: string): Promise<State> {
  return (await readRestored(home)).state;
}

/**
 * The events from number `from` on, all or the first `eventsMax` and what was decided together
 * with them; where some were put away, a first line says so.
 */
export async function readFeed(
  home: string,
  from: number,
  eventsMax?: number,
): Promise<readonly FeedEvent[]> {
  const { firstSeq, transactions } = await readEvents(home, from, eventsMax);
  const events = transactions.flatMap(({ seq, at, events: happened }) =>
    happened.map((event, index) => ({ seq: seq + index, at: timeOf(at), ...event })),
  );
  const kept = events.filter(({ seq }) => seq >= from);
  if (Math.max(from, 1) >= firstSeq) return kept;
  const at = kept[0]?.at ?? timeOf(systemClock.now());
  const first = { seq: firstSeq, at, type: "store.compacted", loop: null, data: { firstSeq } };
  return [first, ...kept];
}

/** Transcripts and diffs of a home, for reading beside whoever writes. */
export function openRecords(
  around: Surroundings,
  home: string,
): Pick<Sight, "transcripts" | "worktrees"> {
  // What is in a transcript was redacted when it was written.
  const transcripts = new FileTranscripts(home, (text) => text);
  // A list needs no git: it is loaded for the first diff.
  const trees = async () => (await import("./reading-trees.ts")).readingTrees(around, home);
  return { transcripts, worktrees: { diff: async (...asked) => (await trees()).diff(...asked) } };
}

/** Reads the log as it stands at each question. */
export function openReader(around: Surroundings, home: string): Reader {
  return createReader({
    home,
    state: () => readState(home),
    events: (from) => readFeed(home, from),
    now: systemClock.now,
    ...{ waitOf: () => null, stageOf: () => null },
    ...openRecords(around, home),
  });
}
