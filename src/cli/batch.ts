import { resolve } from "node:path";
import type { z } from "zod";
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
  const requests = requestsOf(session, file, text);
  const { door } = await openForRun(session, requests, options);
  const views = await door.createAll(requests);
  const ended = options.detach === true ? views : await waitForAll(session, door, views);
  if (session.json) session.printJson(ended);
  else for (const { id, status } of ended) session.print(`${id}  ${oneLine(status)}`);
  const failed = options.detach !== true && ended.some(({ status }) => status !== "complete");
  return failed ? exitCodes.failed : exitCodes.done;
}

type Line = z.infer<typeof batchLine>;

function requestsOf(session: Session, file: string, text: string): readonly RunRequest[] {
  const requests: RunRequest[] = [];
  const positions = new Map<string, number>();
  for (const [index, row] of text.split("\n").entries()) {
    if (row.trim() === "") continue;
    const place = `${file}:${index + 1}`;
    const line = lineOf(place, row);
    requests.push(requestOf(session, place, line, positions));
    const { name } = line;
    if (name === undefined) continue;
    if (positions.has(name)) throw invalid(place, `name: another line is called ${name} already`);
    positions.set(name, requests.length - 1);
  }
  return requests;
}

function lineOf(place: string, row: string): Line {
  const given = batchLine.safeParse(parsedJson(place, row));
  if (given.success) return given.data;
  const [issue] = given.error.issues;
  throw invalid(place, `${issue?.path.join(".") || "the line"}: ${issue?.message}`);
}

function requestOf(
  session: Session,
  place: string,
  line: Line,
  positions: ReadonlyMap<string, number>,
): RunRequest {
  const { type, task, repo, validate, model, priority, budget, base, deliver } = line;
  return {
    type,
    task,
    dir: repo === undefined ? session.place.dir : resolve(session.place.dir, repo),
    validate: validate ?? null,
    iterationsMax: line["max-iterations"] ?? null,
    model: model ?? null,
    budgetUsd: budget ?? null,
    base: base ?? null,
    priority: priority ?? "normal",
    ...dependenciesOf(place, [line.after ?? []].flat(), positions),
    deliver: deliver ?? null,
    ...(line.set === undefined ? {} : { parameters: line.set }),
  };
}

/** Loops that are there by their ids, those of lines before by their names. */
function dependenciesOf(
  place: string,
  wanted: readonly string[],
  positions: ReadonlyMap<string, number>,
): Pick<RunRequest, "after" | "afterEarlier"> {
  const isId = (name: string) => /^\d/.test(name);
  const afterEarlier = wanted
    .filter((name) => !isId(name))
    .map((name) => {
      const position = positions.get(name);
      if (position !== undefined) return position;
      throw invalid(place, `after: no line before this one is called ${oneLine(name)}`);
    });
  const after = wanted.filter(isId);
  return afterEarlier.length === 0 ? { after } : { after, afterEarlier };
}

function parsedJson(place: string, row: string): unknown {
  try {
    return JSON.parse(row);
  } catch (error) {
    throw new UserError(
      exitCodes.invalid,
      `${place}: this is not JSON; each line is an object: {"type":"ralph","task":"…"}`,
      { cause: error },
    );
  }
}

function invalid(place: string, message: string): UserError {
  return new UserError(exitCodes.invalid, `${place}: ${message}`);
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
