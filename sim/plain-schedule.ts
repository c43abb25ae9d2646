/** The promises of core/dispatch.ts as the plainest program that keeps them, to check it against. */
import type { DispatchLimits } from "../src/core/dispatch.ts";
import { type Loop, type LoopId, type Millis, priorities } from "../src/core/loop.ts";
import type { State } from "../src/core/state.ts";
import { clash, holdsFiles } from "../src/core/touches.ts";

interface Started {
  readonly loop: Loop;
  readonly at: Millis;
}

/** What should start, one after the other. */
export function plainStart(
  state: Pick<State, "loops" | "starts">,
  now: Millis,
  limits: DispatchLimits,
): LoopId[] {
  const loops = [...state.loops.values()];
  const started: Started[] = [];
  if (limits.hold !== null) return [];
  for (;;) {
    const ids = started.map(({ loop }) => loop.id);
    const running = [
      ...loops.filter(({ status, merge }) => status === "running" && merge === null),
      ...started.map(({ loop }) => loop),
    ];
    if (running.length >= limits.loops) return ids;
    const ready = loops.filter(
      (loop) =>
        !ids.includes(loop.id) &&
        isReady(state, loop, now, limits) &&
        !started.some((other) => clash(state.loops, loop, other.loop)) &&
        !isFull(running, limits.perType, loop.type) &&
        !isFullIn(running, loop, limits),
    );
    const next = chosen(state, ready, running, started, now, limits);
    if (next === undefined) return ids;
    started.push({ loop: next, at: now });
  }
}

function isFullIn(running: readonly Loop[], { repo, type }: Loop, { inRepo }: DispatchLimits) {
  const own = inRepo?.(repo) ?? null;
  if (own === null) return false;
  const here = running.filter((other) => other.repo === repo);
  return here.length >= own.loops || isFull(here, own.perType, type);
}

function isFull(
  running: readonly Loop[],
  perType: DispatchLimits["perType"],
  type: string,
): boolean {
  const max = perType[type] ?? Number.POSITIVE_INFINITY;
  return running.filter((other) => other.type === type).length >= max;
}

/** Whether only slots hold it up. */
export function isReady(
  state: Pick<State, "loops">,
  loop: Loop,
  now: Millis,
  limits: DispatchLimits,
): boolean {
  if (loop.status !== "pending" || loop.merge !== null || sinceOf(state, loop) > now) return false;
  const isHeld = [...state.loops.values()].some(
    (other) => holdsFiles(other) && clash(state.loops, loop, other),
  );
  return !isHeld && !isParked(loop, now, limits);
}

function chosen(
  state: Pick<State, "loops" | "starts">,
  ready: readonly Loop[],
  running: readonly Loop[],
  started: readonly Started[],
  now: Millis,
  limits: DispatchLimits,
): Loop | undefined {
  const [eldest] = [...ready].sort((a, b) => byAge(state, a, b));
  const isOverdue = eldest !== undefined && sinceOf(state, eldest) <= now - limits.agingMs;
  const urgent = started.filter(({ loop }) => loop.priority === "critical").length;
  const isTurnOfAge = (state.starts + started.length - urgent) % 2 === 1;
  const someCritical = ready.some(({ priority }) => priority === "critical");
  if (isOverdue && isTurnOfAge && !someCritical) return eldest;
  const shareOf = (isIn: (loop: Loop) => boolean) => {
    const known = [...state.loops.values()].filter(isIn).map(({ startedAt }) => startedAt ?? -1);
    const fresh = started.filter(({ loop }) => isIn(loop)).map(({ at }) => at);
    return [running.filter(isIn).length, Math.max(-1, ...known, ...fresh)] as const;
  };
  const key = (loop: Loop) => [
    priorities.indexOf(loop.priority),
    ...shareOf((other) => other.repo === loop.repo),
    loop.repo,
    ...shareOf((other) => other.repo === loop.repo && planOf(other) === planOf(loop)),
    planOf(loop),
  ];
  return ready
    .map((loop) => ({ loop, key: key(loop) }))
    .sort((a, b) => byParts(a.key, b.key) || byAge(state, a.loop, b.loop))[0]?.loop;
}

function byParts(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [at, part] of a.entries()) {
    const other = b[at] ?? 0;
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}

function byAge(state: Pick<State, "loops">, a: Loop, b: Loop): number {
  const parts = ({ id }: Loop) => id.split(".").map(Number);
  const since = sinceOf(state, a) - sinceOf(state, b);
  const [ours, theirs] = [parts(a), parts(b)];
  return since || byParts(ours, theirs.slice(0, ours.length)) || ours.length - theirs.length;
}

/** Infinite while a dependency is not complete. */
export function sinceOf(state: Pick<State, "loops">, loop: Loop): Millis {
  const ends = loop.dependsOn.map((id) => {
    const other = state.loops.get(id);
    return other?.status === "complete" ? other.updatedAt : Number.POSITIVE_INFINITY;
  });
  return Math.max(loop.notBeforeAt, ...ends);
}

function isParked({ settings, escalated }: Loop, now: Millis, limits: DispatchLimits): boolean {
  const { model, escalation, fallback } = settings;
  const untilOf = (name: string) => limits.parked.get(name)?.until ?? 0;
  const own = untilOf(escalated ? (escalation ?? model) : model);
  if (own <= now) return false;
  const isLong = own - now > limits.retryAfterMaxMs;
  return !(isLong && fallback !== null && untilOf(fallback) <= now);
}

function planOf({ id, parent }: Loop): number {
  return parent === null ? 0 : Number(id.split(".")[0]);
}
