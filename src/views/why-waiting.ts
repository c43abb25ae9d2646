import type { Loop, LoopId, Millis } from "../core/loop.ts";
import type { State } from "../core/state.ts";
import type { Waiting } from "../core/waiting.ts";
import { timeOf } from "./loop-view.ts";

interface Words {
  readonly sentence: string;
  readonly remedy?: string;
}

/** What keeps a loop waiting that only limits hold up. */
export function waitingWords(waiting: Waiting, now: Millis): Words {
  switch (waiting.on) {
    case "nothing":
      return { sentence: "It starts now." };
    case "hold":
      return heldWords(waiting.hold);
    case "parked": {
      const { model, until, reason } = waiting;
      return {
        sentence: `${model} is limited until ${timeOf(until)} (in ${seconds(until - now)}): ${plain(reason)}.`,
        remedy: "wait, or name a model in llm.fallback that stands in for it",
      };
    }
    case "type": {
      const { type, running, max } = waiting;
      return {
        sentence: `${running} of at most ${max} loops of type ${type} run already.`,
        remedy: `raise concurrency.per-type.${type}`,
      };
    }
    case "repo": {
      const { type, running, max } = waiting;
      const what = type === null ? "loops" : `loops of type ${type}`;
      const key = type === null ? "concurrency.loops" : `concurrency.per-type.${type}`;
      return {
        sentence: `${running} of at most ${max} ${what} of this repository run already.`,
        remedy: `raise ${key} in the taskdaemon.yml of the repository`,
      };
    }
    case "slots": {
      const { place, running, max } = waiting;
      return {
        sentence: `${placeWords(place)}: ${running} of ${max} slots are taken.`,
        remedy: "raise concurrency.loops; a loop with a higher --priority goes first",
      };
    }
    default:
      return waiting satisfies never;
  }
}

function placeWords(place: number | null): string {
  if (place === null) return "It is far back in the queue";
  return place === 1 ? "It is the next to start" : `It is number ${place} in the queue`;
}

function heldWords({ on, reason }: Extract<Waiting, { on: "hold" }>["hold"]): Words {
  const sentence = `Nothing new starts: ${reason}.`;
  switch (on) {
    case "draining":
      return { sentence, remedy: "td start, once it has stopped" };
    case "memory":
      return { sentence, remedy: "td restart, or raise daemon.memory" };
    case "disk":
      return {
        sentence,
        remedy: "td trash empty, or free some space; daemon.disk-free is the floor",
      };
    default:
      return on satisfies never;
  }
}

/** Whom it waits for, and what becomes of it where one of them will not complete by itself. */
export function dependencyWords(state: State, { id, dependsOn }: Loop): Words | null {
  const unmet = unmetOf(state, dependsOn);
  if (unmet.length === 0) return null;
  const statusOf = (other: LoopId) => state.loops.get(other)?.status ?? "gone";
  const stopped = unmet.find((other) => statusOf(other) === "stopped");
  if (stopped !== undefined) {
    const sentence = `It waits for ${stopped}, which was stopped and will never complete.`;
    return { sentence, remedy: `td stop ${id}` };
  }
  const names = unmet.map((other) =>
    statusOf(other) === "failed" ? `${other}, which failed` : other,
  );
  const sentence = `It waits for ${names.join(", ")}.`;
  const failed = unmet.find((other) => statusOf(other) === "failed");
  return failed === undefined ? { sentence } : { sentence, remedy: `td retry ${failed}` };
}

export function unmetOf(state: State, dependsOn: readonly LoopId[]): readonly LoopId[] {
  return dependsOn.filter((id) => state.loops.get(id)?.status !== "complete");
}

export function seconds(ms: Millis): string {
  const whole = Math.ceil(ms / 1_000);
  return whole < 120 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}

/** Without the full stop that the sentence around it has. */
function plain(reason: string): string {
  return reason.replace(/\.$/, "");
}
