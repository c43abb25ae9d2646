import { setTimeout as sleep } from "node:timers/promises";
import type { Door } from "../protocol/door.ts";
import { type ExitCode, exitCodes } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { openDaemon } from "./reach.ts";
import type { Session } from "./session.ts";
import { oneLine } from "./text.ts";

const pollMs = 200;
const waitMsMax = 30 * 60_000;

/** `td merge`: waits for its turn in the queue and says what came of it. */
export async function merge(
  session: Session,
  id: string,
  { pr }: { readonly pr?: true | undefined },
): Promise<ExitCode> {
  const door = await openDaemon(session, id);
  const asked = await door.amend(id, { type: "merge", ...(pr === true ? { as: "pr" } : {}) });
  const view = await settled(door, asked);
  const done = pr === true ? proposedText(view) : mergedText(view, asked.merging);
  if (session.json) session.printJson(view);
  else session.print(done ?? undoneText(view, pr === true ? "no pull request" : "not merged"));
  return done === null ? exitCodes.person : exitCodes.done;
}

function mergedText({ id, delivered }: LoopView, target: string | null): string | null {
  if (delivered === null || delivered.to !== target) return null;
  const { to, commit } = delivered;
  return `merged  ${oneLine(id)}  into ${oneLine(to)} (${commit.slice(0, 10)})`;
}

function proposedText({ id, pullRequest }: LoopView): string | null {
  return pullRequest === null ? null : `proposed  ${oneLine(id)}  ${oneLine(pullRequest)}`;
}

function undoneText({ id, reason }: LoopView, what: string): string {
  return `${what}  ${oneLine(id)}  ${oneLine(reason ?? "it still waits")}`;
}

async function settled(door: Door, asked: LoopView): Promise<LoopView> {
  let view = asked;
  for (let waitedMs = 0; view.merging !== null && waitedMs < waitMsMax; waitedMs += pollMs) {
    await sleep(pollMs);
    view = await door.loop(asked.id);
  }
  return view;
}
