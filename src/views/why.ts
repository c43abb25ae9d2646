import { leftOf, planLevels } from "../core/budget.ts";
import { rootIdOf } from "../core/ledger.ts";
import type { Loop, LoopId, Millis } from "../core/loop.ts";
import { childrenOf, type State } from "../core/state.ts";
import { clash, holdsFiles } from "../core/touches.ts";
import { waitsOf } from "../core/wait-graph.ts";
import type { Waiting } from "../core/waiting.ts";
import { timeOf } from "./loop-view.ts";
import { dependencyWords, seconds, unmetOf, waitingWords } from "./why-waiting.ts";

/** Why a loop is where it is: one sentence, what lies behind it, and what would change it. */
export interface WhyView {
  readonly id: string;
  readonly status: string;
  readonly sentence: string;
  /** From the nearest cause to the farthest. */
  readonly causes: readonly string[];
  readonly remedy: string | null;
}

const causesMax = 20;

/** What a running loop waits for within a turn; without a time, another's end lets it go on. */
export interface LiveWait {
  readonly until: Millis | null;
  readonly reason: string;
}

/** Of a scheduler: null for a loop that it does not hold up. */
type WaitingOf = (id: LoopId) => Waiting | null;

/** What a view looks at; where nobody carries loops out, nobody knows what they wait for. */
export interface Scene {
  readonly state: State;
  readonly now: Millis;
  readonly waitingOf: WaitingOf | null;
  readonly liveWaitOf: (id: LoopId) => LiveWait | null;
}

export function why(scene: Scene, loop: Loop): WhyView {
  const { id, status } = loop;
  const live = status === "running" ? scene.liveWaitOf(id) : null;
  const telling = live === null ? tell(scene, loop) : held(loop, live, scene.now);
  const { sentence, remedy = null, causes } = telling;
  return { id, status, sentence, causes: causes?.() ?? [], remedy };
}

/** Causes are asked for once, at the top: each has causes of its own, and those have more. */
interface Telling {
  readonly sentence: string;
  readonly remedy?: string | null;
  readonly causes?: () => readonly string[];
}

function tell(scene: Scene, loop: Loop): Telling {
  switch (loop.status) {
    case "draft":
      return { sentence: "It is a draft and waits for approval.", remedy: `td approve ${loop.id}` };
    case "pending":
      return waiting(scene, loop);
    case "running":
      if (loop.merge !== null) return { sentence: `It is being merged into ${loop.merge.target}.` };
      return {
        sentence: `Attempt ${loop.attempt} is at work on iteration ${loop.iteration + 1} of ${loop.settings.iterationsMax}.`,
        causes: () => [...asking(scene.state, loop, scene.now), ...lastVerdict(loop)],
      };
    case "paused":
      return loop.pausedBy === null
        ? { sentence: "A person paused it.", remedy: `td resume ${loop.id}` }
        : {
            sentence: `A person paused ${loop.pausedBy}, and it with that.`,
            remedy: `td resume ${loop.pausedBy}`,
          };
    case "blocked":
      return loop.blockedOn === "child" ? heldUp(scene, loop) : blocked(scene.state, loop);
    case "delegated":
      return { sentence: delegatedWords(loop) };
    case "complete":
      return {
        sentence: completed(loop),
        causes: () => (loop.verdict?.note ? [loop.verdict.note] : []),
      };
    case "failed":
      return {
        sentence: `It failed: ${reasonOf(loop)}.`,
        causes: () => lastVerdict(loop),
        remedy: `td run --resume ${loop.id} tries again; td logs ${loop.id} shows what happened`,
      };
    case "stopped":
      return { sentence: stoppedWords(loop) };
    default:
      return loop.status satisfies never;
  }
}

function delegatedWords({ merge }: Loop): string {
  if (merge?.as === "pr")
    return `All below it is complete: its pull request to ${merge.target} is being made.`;
  if (merge?.as === "check")
    return "All below it is complete: what its document asks for is checked on all of that.";
  return merge === null
    ? "Its own work is done; it waits for its children."
    : `Its branch and ${merge.target} come together: it is in the merge queue.`;
}

function stoppedWords(loop: Loop): string {
  if (loop.dropped) return "A person dropped it; the rest goes on without it.";
  const isPersons = loop.reason === null || loop.reason === "stopped";
  return isPersons ? "A person stopped it." : `It was ${reasonOf(loop)}.`;
}

/** Whom it has asked, when its turn stands still until the answer. */
function asking(state: State, { id }: Loop, now: Millis): string[] {
  return waitsOf(state, id).map(
    (query) =>
      `It asked ${query.to} (${query.id}) and waits for the answer, ${seconds(query.expiresAt - now)} at most.`,
  );
}

/** Passed, and not yet where it belongs. */
function merging(state: State, { id, repo, merge }: Loop): Telling {
  const before = [...state.loops.values()].filter(
    (other) =>
      other.id !== id &&
      other.repo === repo &&
      other.merge !== null &&
      other.merge.target === merge?.target,
  );
  const others = before.length === 0 ? "" : `, with ${before.length} more in its queue`;
  return {
    sentence: `It has passed and waits to be merged into ${merge?.target}${others}.`,
    causes: () => before.slice(0, causesMax).map((other) => `${other.id} is in the queue too.`),
  };
}

/** Live: nothing of it is in the state. */
function held(loop: Loop, { until, reason }: LiveWait, now: Millis): Telling {
  const time =
    until === null || until <= now ? "" : ` until ${timeOf(until)} (${seconds(until - now)})`;
  return {
    sentence: `Attempt ${loop.attempt} waits in iteration ${loop.iteration + 1}${time}: ${reason.replace(/\.$/, "")}.`,
    causes: () => lastVerdict(loop),
  };
}

function completed(loop: Loop): string {
  const { verdict, delivered, merge, reason, pullRequest } = loop;
  const proof =
    verdict === null ? "" : ` \`${verdict.command}\` passed on ${short(verdict.commit)}.`;
  const where =
    verdict?.command === "documents"
      ? " All that came of it is complete."
      : delivered === null
        ? undelivered(loop)
        : ` The work is on ${delivered.to}.`;
  const request = pullRequest === null ? "" : ` Its pull request is ${pullRequest}.`;
  const next = merge === null ? "" : ` It waits ${goalOf(merge)}.`;
  const obstacle =
    delivered === null || reason === null
      ? ""
      : ` ${loop.settings.deliver === "pr" ? "But" : "Since then:"} ${reason}`;
  return `It is complete.${proof}${where}${request}${next}${obstacle}`;
}

function goalOf({ target, as }: NonNullable<Loop["merge"]>): string {
  return as === "pr" ? `for its pull request to ${target}` : `to be merged into ${target}`;
}

function undelivered({ reason }: Loop): string {
  return reason === null
    ? " Nothing was delivered, as asked."
    : ` Nothing was delivered: ${reason}`;
}

function waiting(scene: Scene, loop: Loop): Telling {
  const { state, now, waitingOf } = scene;
  if (loop.merge !== null) return merging(state, loop);
  const dependency = dependencyWords(state, loop);
  if (dependency !== null) {
    return { ...dependency, causes: () => chain(scene, unmetOf(state, loop.dependsOn)) };
  }
  if (loop.notBeforeAt > now) {
    return {
      sentence: `It starts again at ${timeOf(loop.notBeforeAt)} (in ${seconds(loop.notBeforeAt - now)}): ${loop.reason === null ? "it backs off" : reasonOf(loop)}.`,
      causes: () => lastVerdict(loop),
    };
  }
  const overlapping = overlapOf(state, loop);
  if (overlapping !== null) {
    return { sentence: `It waits until ${overlapping} rests: both mean to change the same files.` };
  }
  const since = loop.interruptedAt === null ? "" : ` It was interrupted in ${loop.interruptedAt}.`;
  const causes = () => (loop.reason === null ? [] : [loop.reason]);
  const cause = waitingOf?.(loop.id) ?? null;
  if (cause !== null) {
    const { sentence, ...remedy } = waitingWords(cause, now);
    return { sentence: `${sentence}${since}`, causes, ...remedy };
  }
  return {
    sentence: `It is ready, and nobody runs it.${since}`,
    causes,
    remedy: `td run --resume ${loop.id}`,
  };
}

/** A loop at work, or not merged yet, whose work overlaps with this one's. */
function overlapOf({ loops }: State, loop: Loop): LoopId | null {
  if (loop.parent === null) return null;
  for (const other of loops.values()) {
    if (holdsFiles(other) && clash(loops, loop, other)) return other.id;
  }
  return null;
}

function named(scene: Scene, loop: Loop): string {
  return `${loop.id} is ${loop.status}: ${tell(scene, loop).sentence}`;
}

function chain(scene: Scene, ids: readonly LoopId[]): string[] {
  const { state } = scene;
  const causes: string[] = [];
  const seen = new Set<LoopId>();
  const queue = [...ids];
  while (queue.length > 0 && causes.length < causesMax) {
    const id = queue.shift();
    const loop = id === undefined ? undefined : state.loops.get(id);
    if (loop === undefined || seen.has(loop.id)) continue;
    seen.add(loop.id);
    causes.push(named(scene, loop));
    queue.push(...unmetOf(state, loop.dependsOn));
  }
  return causes;
}

/** A parent waits for a person because a child does. */
function heldUp(scene: Scene, loop: Loop): Telling {
  const { state } = scene;
  const lost = childrenOf(state, loop.id).filter(
    ({ status, blockedOn, dropped }) =>
      !dropped && (status === "failed" || status === "stopped" || blockedOn === "child"),
  );
  const failed = lost.filter(({ status }) => status === "failed").map(({ id }) => id);
  return {
    sentence: `It is held up: ${reasonOf(loop)}.`,
    causes: () => lost.slice(0, causesMax).map((child) => named(scene, child)),
    remedy: remedyOfLost(loop, lost, failed[0]),
  };
}

/** The first thing to try: the reason of the parent names the others. */
function remedyOfLost({ id }: Loop, lost: readonly Loop[], failed: LoopId | undefined): string {
  if (failed !== undefined) return `td retry ${failed}`;
  const heldUp = lost.find(({ blockedOn }) => blockedOn === "child");
  return heldUp === undefined ? `td stop ${id}` : `td why ${heldUp.id}`;
}

/** Without the full stop that the sentence around it has. */
function reasonOf({ reason }: Loop): string {
  return reason === null ? "no reason was recorded" : reason.replace(/\.$/, "");
}

function blocked(state: State, loop: Loop): Telling {
  const reason = reasonOf(loop);
  const causes = () => lastVerdict(loop);
  switch (loop.blockedOn) {
    case "question":
      return { sentence: `It asks: ${reason}`, remedy: `td answer ${loop.id} "…"` };
    case "gate":
      return {
        sentence: `What defines its validation was changed: ${reason}.`,
        causes,
        remedy: `td diff ${loop.id}, then td answer ${loop.id} allow | deny`,
      };
    case "budget":
      return {
        sentence: `Its budget is exhausted: ${reason}.`,
        causes: () => spent(state, loop),
        remedy: loop.blockedUntil === null ? `td resume ${payer(state, loop)} --budget USD` : null,
      };
    case "stuck":
      return {
        sentence: `It is stuck: ${reason}.`,
        causes,
        remedy: `td answer ${loop.id} "a hint"`,
      };
    case "conflict":
      return {
        sentence: `It is in conflict: ${reason}.`,
        causes: () => loop.conflicts.map((path) => `${path} has conflict markers.`),
        remedy: `td shell ${loop.id}, then td resume ${loop.id}`,
      };
    default:
      return {
        sentence: `It is blocked: ${reason}.`,
        causes,
        remedy: `td run --resume ${loop.id}`,
      };
  }
}

/** Whose limit stands in the way: the plan's only where the loop's own does not. */
function payer(state: State, loop: Loop): LoopId {
  const { usd, tokens } = leftOf(loop);
  const own = (usd !== null && usd <= 0) || (tokens !== null && tokens <= 0);
  const isPlans = planLevels(state, loop).some(({ limit, spent: by }) => by >= limit);
  return isPlans && !own ? rootIdOf(loop) : loop.id;
}

function spent(state: State, loop: Loop): string[] {
  const { usd, tokens } = leftOf(loop);
  const { budgetUsd, budgetTokens } = loop.settings;
  const parts = [
    ...(usd === null ? [] : [`$${usd.toFixed(4)} of ${dollars(budgetUsd ?? 0)} left`]),
    ...(tokens === null ? [] : [`${tokens} of ${budgetTokens} tokens left`]),
    ...planLevels(state, loop).flatMap(({ limit, spent: by, held }) => {
      // Who is alone has one budget, whatever it is called.
      if (rootIdOf(loop) === loop.id && limit === budgetUsd) return [];
      const left = (limit - by - held).toFixed(4);
      return [`$${left} of ${dollars(limit)} of plan ${rootIdOf(loop)} left`];
    }),
  ];
  return parts.length === 0 ? [] : [parts.join(", ")];
}

/** A limit as a person wrote it, with two places at least. */
function dollars(usd: number): string {
  return `$${Number(usd.toFixed(2)) === usd ? usd.toFixed(2) : usd}`;
}

function lastVerdict({ verdict, iteration }: Loop): string[] {
  if (verdict === null) return [];
  const code = verdict.exitCode === null ? "killed" : `exit code ${verdict.exitCode}`;
  const note = verdict.note === null ? "" : ` (${verdict.note.replace(/\.$/, "")})`;
  return [
    `Iteration ${iteration}: \`${verdict.command}\` ${verdict.passed ? "passed" : `did not pass: ${code}`}${note}.`,
  ];
}

function short(commit: string): string {
  return commit.slice(0, 10);
}
