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
export async function merge(session: Session, id: string): Promise<ExitCode> {
  const door = await openDaemon(session, id);
  const asked = await door.amend(id, { type: "merge" });
  const view = await settled(door, asked);
  const isMerged = view.delivered !== null && view.delivered.to === asked.merging;
  if (session.json) session.printJson(view);
  else if (isMerged) {
    const { to, commit } = view.delivered ?? { to: "", commit: "" };
    session.print(`merged  ${oneLine(view.id)}  into ${oneLine(to)} (${commit.slice(0, 10)})`);
  } else {
    session.print(`not merged  ${oneLine(view.id)}  ${oneLine(view.reason ?? "it still waits")}`);
  }
  return isMerged ? exitCodes.done : exitCodes.person;
}

async function settled(door: Door, asked: LoopView): Promise<LoopView> {
  let view = asked;
  for (let waitedMs = 0; view.merging !== null && waitedMs < waitMsMax; waitedMs += pollMs) {
    await sleep(pollMs);
    view = await door.loop(asked.id);
  }
  return view;
}
