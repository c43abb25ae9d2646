import type { Loop } from "../core/loop.ts";
import type { MergeLane } from "../core/merge-lanes.ts";
import { loopOf, type State } from "../core/state.ts";
import type { Line } from "../core/waiting.ts";
import type { Scheduler } from "../engine/scheduler.ts";
import type { QueueRow, QueueView } from "../protocol/status.ts";
import { type Scene, type WhyView, why } from "../views/why.ts";
import { systemClock } from "./clock.ts";
import type { Host } from "./host.ts";
import { find } from "./reader.ts";

const rowsMax = 1_000;

interface Queued {
  readonly host: Host;
  readonly scheduler: Scheduler;
  readonly queueMax: number;
}

/** `td queue`: what runs, what waits in the order in which it starts, and why. */
export function queueOf({ host, scheduler, queueMax }: Queued): QueueView {
  const { state } = host.states;
  const line = scheduler.line(rowsMax);
  const scene = sceneOf(host, line);
  const row = (loop: Loop): QueueRow => {
    const { id, type, priority, title, repo } = loop;
    return { id, type, priority, title, repo, why: why(scene, loop).sentence };
  };
  const running = scheduler.runningIds.slice(0, rowsMax).map((id) => row(loopOf(state, id)));
  const waiting = line.ids.map((id) => ({
    ...row(loopOf(state, id)),
    position: line.placeOf(id),
  }));
  const { runningMax, perType } = scheduler.limits;
  const types = Object.entries(perType).map(([type, max]) => ({
    type,
    used: scheduler.runningOf(type),
    max,
  }));
  return {
    running,
    waiting,
    counts: { running: scheduler.running, waiting: scheduler.pending },
    slots: { used: scheduler.running, max: runningMax },
    types,
    merges: scheduler
      .lanes()
      .slice(0, rowsMax)
      .map((lane) => ({ ...lane, ...kindOf(state, lane) })),
    hold: scheduler.hold,
    queueMax,
    providers: host.providers(),
  };
}

/** What else there is to say of a lane: what it is for, and who is in it as one batch. */
export function kindOf(state: State, { merging, waiting }: MergeLane): LaneKind {
  const loops = [...(merging === null ? [] : [merging]), ...waiting].map((id) => loopOf(state, id));
  const as = loops[0]?.merge?.as;
  const end = loops.find(({ verdict }) => verdict?.judgedAt !== undefined)?.verdict?.judgedAt;
  const batch = loops.filter(({ verdict }) => end !== undefined && verdict?.judgedAt === end);
  return {
    ...(as === undefined ? {} : { as }),
    ...(batch.length < 2 ? {} : { batch: batch.map(({ id }) => id) }),
  };
}

type LaneKind = Pick<QueueView["merges"][number], "as" | "batch">;

/** `td why`, by the one who decides. */
export function whyOf({ host, scheduler }: Queued, id: string): WhyView {
  const loop = find(host.states.state, id);
  return why(sceneOf(host, scheduler.line(rowsMax)), loop);
}

function sceneOf({ states, waits }: Host, { waitingOf }: Line): Scene {
  const now = systemClock.now();
  return { state: states.state, now, waitingOf, liveWaitOf: (id) => waits.of(id, now) };
}
