import type { Event } from "./events.ts";
import type { Loop } from "./loop.ts";

const types = [
  "loop.documented",
  "loop.rejected",
  "loop.edited",
  "loop.dropped",
  "loop.freed",
] as const;
const known: ReadonlySet<string> = new Set(types);
type PipelineEvent = Extract<Event, { type: (typeof types)[number] }>;

export function isPipelineEvent(event: Event): event is PipelineEvent {
  return known.has(event.type);
}

/** What an event of the pipeline changes about its loop. */
export function plannedBy(event: PipelineEvent, loop: Loop): Partial<Loop> {
  switch (event.type) {
    case "loop.documented":
      return { documents: event.data.documents };
    case "loop.rejected": {
      const answer = { question: rejection, answer: event.data.feedback };
      return { answers: [...loop.answers, answer], verdict: null, stuckFrom: loop.iteration };
    }
    case "loop.edited":
      return event.data;
    case "loop.dropped":
      return { dropped: true };
    case "loop.freed":
      return event.data;
    default:
      return event satisfies never;
  }
}

/** What a rejection stands under among the answers of people. */
const rejection = "Your documents were rejected. What has to be different?";
