import type { Loop } from "../core/loop.ts";
import { reconcile } from "../engine/loop-manager.ts";
import type { LiveEvent } from "../ports.ts";
import type { Door } from "../protocol/door.ts";
import { type LoopView, loopView } from "../views/loop-view.ts";
import { Host } from "./host.ts";
import { find } from "./reader.ts";
import type { Surroundings } from "./surroundings.ts";

/** Opens the home for writing, in this process. Throws what asUserError() knows. */
export async function openDoor(around: Surroundings, home: string): Promise<Door> {
  const host = await Host.open(around, home);
  return {
    ...host.reader(),
    kind: "process",
    createAll: (requests) => host.create(requests),
    recovered: host.recovered,
    plan: (request) => host.plan(request),
    create: async (request) => (await host.create([request]))[0] as LoopView,
    drive: (id, watch, signal) => drive(host, id, watch, signal),
    resume: (id, raise) => host.resume(id, raise),
    pause: (id) => host.ask({ type: "pause", id: host.id(id) }),
    stop: (id) => host.ask({ type: "stop", id: host.id(id) }),
    answer: (id, answer) => host.ask({ type: "answer", id: host.id(id), answer }),
    rollback: (id, to) => host.ask({ type: "rollback", id: host.id(id), to }),
    close: () => host.close(),
  };
}

/** Ctrl-C on an attached run interrupts; only a daemon drains. */
const neverDrained = new AbortController().signal;

/** Runs this one loop until it rests; all others stay as they are. */
async function drive(
  host: Host,
  id: string,
  watch: (event: LiveEvent) => void,
  signal: AbortSignal,
): Promise<LoopView> {
  const { states } = host;
  const loop = find(states.state, id);
  // A repository that cannot be worked in is refused here, where the person is.
  await host.world(loop.repo);
  const rested = new AbortController();
  const leave = states.subscribe(() => {
    if (isAtRest(find(states.state, id))) rested.abort();
  });
  const unwatch = host.watch(watch);
  if (isAtRest(loop)) rested.abort();
  const wants = (other: Loop) => other.id === loop.id;
  const until = AbortSignal.any([signal, rested.signal]);
  try {
    await reconcile(host.crew(neverDrained), { runningMax: 1, wants }, until);
  } finally {
    leave();
    unwatch();
  }
  return loopView(find(states.state, id), null);
}

/** Nothing happens to it until a person acts. */
function isAtRest({ status }: Loop): boolean {
  return status !== "pending" && status !== "running";
}
