import { resolve } from "node:path";
import type { Door, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { batchLine } from "../protocol/schemas.ts";
import type { LoopView } from "../views/loop-view.ts";
import { type Consent, openForRun } from "./reach.ts";
import type { Session } from "./session.ts";
import { readTask } from "./task-text.ts";
import { oneLine } from "./text.ts";

/** `td run --batch FILE`: all loops or none; attached, it waits for the last of them. */
export async function runBatch(
  session: Session,
  file: string,
  options: Consent & { readonly detach?: true | undefined },
): Promise<number> {
  const text = await readTask(session.world, undefined, file);
  const requests = text
    .split("\n")
    .flatMap((row, index) => (row.trim() === "" ? [] : [requestOf(session, file, row, index + 1)]));
  const { door } = await openForRun(session, requests, options);
  const views = await door.createAll(requests);
  const ended = options.detach === true ? views : await waitForAll(session, door, views);
  if (session.json) session.printJson(ended);
  else for (const { id, status } of ended) session.print(`${id}  ${oneLine(status)}`);
  const failed = options.detach !== true && ended.some(({ status }) => status !== "complete");
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
    ...(given.data.set === undefined ? {} : { parameters: given.data.set }),
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
  door: Door,
  views: readonly LoopView[],
): Promise<readonly LoopView[]> {
  const ended: LoopView[] = [];
  for (const { id } of views) {
    ended.push(await door.drive(id, () => undefined, session.gone));
    session.say(`${id} ${ended.at(-1)?.status}`);
  }
  return ended;
}
