import type { Event } from "../core/events.ts";
import type { Loop, LoopId, Millis } from "../core/loop.ts";
import type { State } from "../core/state.ts";
import type { Worktrees } from "../ports.ts";
import type { FeedEvent } from "../protocol/door.ts";
import { type DigestView, digestOf } from "../views/digest.ts";
import { type DiffRead, familyOf, type ReportView, reportOf } from "../views/report.ts";
import type { Happened } from "../views/report-history.ts";
import { type LiveWait, why } from "../views/why.ts";

/** Of one loop, and of all in one report: a person reads it. */
const diffBytesMax = 1_000_000;
const diffsBytesMax = 8_000_000;
const pagesMax = 100_000;

/** The part of a reader's sight that a report needs. */
interface Source {
  events(from: number): Promise<readonly FeedEvent[]>;
  readonly worktrees: Pick<Worktrees, "diff">;
  readonly now: () => Millis;
  waitOf(loop: LoopId): LiveWait | null;
}

/** Gathers what a report is made of: the state, the log, and the diffs. */
export async function reportFor(sight: Source, state: State, loop: Loop): Promise<ReportView> {
  const family = familyOf(state, loop);
  const scene = { state, now: sight.now(), waitingOf: null, liveWaitOf: sight.waitOf };
  const ids = new Set<string | null>(family.map((each) => each.id));
  const events = await eventsOf(sight, ({ loop: of }) => ids.has(of));
  const diffs = await diffsOf(sight, family);
  return reportOf({ state, loop, why: why(scene, loop), events, diffs });
}

/** Gathers what a summary is made of. */
export async function digestFor(sight: Source, state: State, since: Millis): Promise<DigestView> {
  const isLater = ({ at }: FeedEvent) => Date.parse(at) >= since;
  return digestOf(state, await eventsOf(sight, isLater), { since, until: sight.now() });
}

/** A page at a time: what concerns others is not kept. */
async function eventsOf(
  sight: Source,
  wanted: (event: FeedEvent) => boolean,
): Promise<readonly Happened[]> {
  const found: Happened[] = [];
  let next = 1;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await sight.events(next);
    const last = page.at(-1);
    if (last === undefined) break;
    for (const each of page) if (wanted(each)) found.push(happened(each));
    next = last.seq + 1;
  }
  return found;
}

/** The feed tells the log's own events, with their times as text. */
function happened({ type, loop, data, at }: FeedEvent): Happened {
  return { ...({ type, loop, data } as Event), at: Date.parse(at) };
}

async function diffsOf(
  { worktrees }: Source,
  family: readonly Loop[],
): Promise<ReadonlyMap<LoopId, DiffRead>> {
  const diffs = new Map<LoopId, DiffRead>();
  let left = diffsBytesMax;
  for (const { id, repo, settings, headCommit, documents } of family) {
    const base = settings.baseCommit;
    if (headCommit === null || documents.length > 0 || headCommit === base) continue;
    // Somewhat more than is wanted, to know whether it was all.
    const text = left === 0 ? "" : await worktrees.diff(repo, base, headCommit, diffBytesMax * 2);
    const shown = wholeLines(text, Math.min(diffBytesMax, left));
    left -= shown.length;
    diffs.set(id, { text: shown, isCut: left === 0 || shown.length < text.length });
  }
  return diffs;
}

function wholeLines(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : text.slice(0, text.lastIndexOf("\n", charsMax) + 1);
}
