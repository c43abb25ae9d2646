import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteDoor, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { batchLine } from "../protocol/schemas.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { Session } from "./session.ts";
import { readTask } from "./task-text.ts";
import { oneLine } from "./text.ts";

/** `td run … --detach`: the daemon carries it out; started when none runs. */
export async function runDetached(session: Session, request: RunRequest): Promise<number> {
  const door = await daemonOf(session);
  const view = await door.create(request);
  if (session.json) session.printJson(view);
  else session.print(view.id);
  return exitCodes.done;
}

/** `td run --batch FILE`: all loops or none; attached, it waits for the last of them. */
export async function runBatch(
  session: Session,
  file: string,
  { detach }: { readonly detach?: true | undefined },
): Promise<number> {
  const text = await readTask(session.world, undefined, file);
  const requests = text
    .split("\n")
    .flatMap((row, index) => (row.trim() === "" ? [] : [requestOf(session, file, row, index + 1)]));
  const door = await daemonOf(session);
  const views = await door.createAll(requests);
  const ended = detach === true ? views : await waitForAll(session, door, views);
  if (session.json) session.printJson(ended);
  else for (const { id, status } of ended) session.print(`${id}  ${oneLine(status)}`);
  const failed = detach !== true && ended.some(({ status }) => status !== "complete");
  return failed ? exitCodes.failed : exitCodes.done;
}

function requestOf(session: Session, file: string, row: string, number: number): RunRequest {
  const given = batchLine.safeParse(parsedJson(file, row, number));
  if (!given.success) {
    const [issue] = given.error.issues;
    const message = `${file}:${number}: ${issue?.path.join(".") || "the line"}: ${issue?.message}`;
    throw new UserError(exitCodes.invalid, message);
  }
  const { type, task, repo, validate, model, priority, budget, base, after, deliver } = given.data;
  return {
    type,
    task,
    dir: repo === undefined ? session.place.dir : resolve(session.place.dir, repo),
    validate: validate ?? null,
    iterationsMax: given.data["max-iterations"] ?? null,
    model: model ?? null,
    budgetUsd: budget ?? null,
    base: base ?? null,
    priority: priority ?? "normal",
    after: after === undefined ? [] : [after].flat(),
    deliver: deliver ?? null,
  };
}

function parsedJson(file: string, row: string, number: number): unknown {
  try {
    return JSON.parse(row);
  } catch (error) {
    throw new UserError(exitCodes.invalid, `${file}:${number}: this is not JSON`, { cause: error });
  }
}

async function waitForAll(
  session: Session,
  door: RemoteDoor,
  views: readonly LoopView[],
): Promise<readonly LoopView[]> {
  const ended: LoopView[] = [];
  for (const { id } of views) {
    ended.push(await door.drive(id, () => undefined, session.gone));
    session.say(`${id} ${ended.at(-1)?.status}`);
  }
  return ended;
}

const otherStartMsMax = 5_000;
const pollMs = 100;

async function daemonOf({ world, place, say }: Session): Promise<RemoteDoor> {
  const running = await world.program.daemon(place);
  if (running !== null) return running;
  say("starting the daemon");
  try {
    return await world.program.startDaemon(place);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== exitCodes.daemon) throw error;
    // Somebody else may be starting one this very moment.
    for (let waitedMs = 0; waitedMs < otherStartMsMax; waitedMs += pollMs) {
      const theirs = await world.program.daemon(place);
      if (theirs !== null) return theirs;
      await sleep(pollMs);
    }
    throw error;
  }
}
