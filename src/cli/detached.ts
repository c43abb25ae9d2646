import { resolve } from "node:path";
import { z } from "zod";
import { deliveries, priorities } from "../core/loop.ts";
import type { RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { RemoteDoor } from "../protocol/remote.ts";
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

/** One line of a batch: the options of `td run`, by their names. */
const line = z.strictObject({
  type: z.string(),
  task: z.string().min(1),
  repo: z.string().optional(),
  validate: z.string().min(1).optional(),
  "max-iterations": z.int().min(1).optional(),
  model: z.string().optional(),
  priority: z.enum(priorities).optional(),
  budget: z.number().min(0).optional(),
  base: z.string().optional(),
  after: z.union([z.string(), z.array(z.string())]).optional(),
  deliver: z.enum(deliveries).optional(),
});

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
  const given = line.safeParse(parsedJson(file, row, number));
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

async function daemonOf({ world, place, say }: Session): Promise<RemoteDoor> {
  const running = await world.program.daemon(place);
  if (running !== null) return running;
  say("starting the daemon");
  return world.program.startDaemon(place);
}
