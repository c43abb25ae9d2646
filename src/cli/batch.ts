import { resolve } from "node:path";
import type { z } from "zod";
import type { Door, RunRequest } from "../protocol/door.ts";
import { type ExitCode, exitCodes, UserError } from "../protocol/errors.ts";
import { afterMax, batchLine, batchMax, runRequest } from "../protocol/schemas.ts";
import type { LoopView } from "../views/loop-view.ts";
import { exitCodeOf } from "./drive.ts";
import { interruptible } from "./interrupt.ts";
import { openForRun } from "./reach.ts";
import type { RunOptions } from "./run.ts";
import type { Session } from "./session.ts";
import { readText } from "./task-text.ts";
import { oneLine } from "./text.ts";

/** `td run --batch FILE`: all loops or none; attached, it waits for the last of them. */
export async function runBatch(
  session: Session,
  file: string,
  options: RunOptions,
): Promise<number> {
  refuseBeside(options);
  const text = await readText(session.world, file, "batch");
  const asked = askedIn(session, file, text);
  if (asked.length === 0) throw invalid(file, `it has no line; each is an object: ${lineExample}`);
  const requests = asked.map(({ request }) => request);
  const accepted = async () => {
    const { door } = await openForRun(session, requests, options);
    return { door, views: await door.createAll(requests) };
  };
  const { door, views } = await accepted().catch((error: unknown) => {
    throw withPlace(error, asked);
  });
  if (options.detach === true) return told(session, views);
  const { ended, interrupted } = await waitForAll(session, door, views);
  told(session, ended);
  return exitCodeOfAll(ended, interrupted);
}

function told(session: Session, ended: readonly LoopView[]): ExitCode {
  if (session.json) session.printJson(ended);
  else for (const { id, status } of ended) session.print(`${id}  ${oneLine(status)}`);
  return exitCodes.done;
}

const lineExample = '{"type":"ralph","task":"…"}';

/** Each line has its own; what would be passed over in silence is refused. */
function refuseBeside({ batch, detach, yes, ...others }: RunOptions): void {
  const [name] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  const shown = name === "type" ? "TYPE" : `--${name.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
  const message = `--batch takes from each line what one loop is given; ${shown} cannot be given with it (--detach can)`;
  throw new UserError(exitCodes.usage, message);
}

/** Of what has ended, what failed weighs most, then who waits for a person, then for money. */
function exitCodeOfAll(ended: readonly LoopView[], interrupted: boolean): ExitCode {
  const codes = new Set(ended.map((view) => exitCodeOf(view, interrupted)));
  const { failed, person, budget, done } = exitCodes;
  return [exitCodes.interrupted, failed, person, budget].find((code) => codes.has(code)) ?? done;
}

/** A request, and the line that makes it. */
interface Placed {
  readonly place: string;
  readonly request: RunRequest;
}

/** The line that a refusal is about, where it is about one. */
function withPlace(error: unknown, asked: readonly Placed[]): unknown {
  if (!(error instanceof UserError) || error.request === null) return error;
  const { place } = asked[error.request] ?? { place: null };
  if (place === null) return error;
  return new UserError(error.exitCode, `${place}: ${error.message}`, { cause: error });
}

type Line = z.infer<typeof batchLine>;

function askedIn(session: Session, file: string, text: string): readonly Placed[] {
  const asked: Placed[] = [];
  const positions = new Map<string, number>();
  for (const [index, row] of text.split("\n").entries()) {
    if (row.trim() === "") continue;
    const place = `${file}:${index + 1}`;
    if (asked.length === batchMax) throw invalid(place, `at most ${batchMax} loops at once`);
    const line = lineOf(place, row);
    const request = requestOf(session, place, line, positions);
    const unsendable = unsendableIn(request);
    if (unsendable !== null) throw invalid(place, unsendable);
    asked.push({ place, request });
    const { name } = line;
    if (name === undefined) continue;
    if (positions.has(name)) throw invalid(place, `name: another line is called ${name} already`);
    positions.set(name, asked.length - 1);
  }
  return asked;
}

/** What the daemon would refuse, by the name that a person has for it; null when nothing is. */
export function unsendableIn(request: RunRequest): string | null {
  const { after, afterEarlier = [] } = request;
  const waits = after.length + afterEarlier.length;
  if (waits > afterMax) return `after: at most ${afterMax} loops, not ${waits}`;
  const sent = runRequest.safeParse(request);
  if (sent.success) return null;
  const [issue] = sent.error.issues;
  const [field = "", ...rest] = issue?.path ?? [];
  const name = lineNames[String(field)] ?? String(field);
  return `${[name, ...rest].join(".")}: ${issue?.message}`;
}

const lineNames: Readonly<Record<string, string>> = {
  dir: "repo",
  iterationsMax: "max-iterations",
  budgetUsd: "budget",
  parameters: "set",
};

function lineOf(place: string, row: string): Line {
  const given = batchLine.safeParse(parsedJson(place, row));
  if (given.success) return given.data;
  const [issue] = given.error.issues;
  const key = issue?.path.join(".") ?? "";
  const isMissing = issue?.message.endsWith("received undefined") === true;
  throw invalid(place, `${key || "the line"}: ${isMissing ? "is missing" : issue?.message}`);
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
      `${place}: this is not JSON; each line is an object: ${lineExample}`,
      { cause: error },
    );
  }
}

function invalid(place: string, message: string): UserError {
  return new UserError(exitCodes.invalid, `${place}: ${message}`);
}

interface Waited {
  readonly ended: readonly LoopView[];
  readonly interrupted: boolean;
}

/** Who presses Ctrl-C is told what each loop is by then; the daemon goes on with them. */
function waitForAll(session: Session, door: Door, views: readonly LoopView[]): Promise<Waited> {
  return interruptible(session, async (signal) => {
    const ended: LoopView[] = [];
    for (const { id } of views) {
      ended.push(await door.drive(id, () => undefined, signal));
      session.say(`${id} ${ended.at(-1)?.status}`);
    }
    return { ended, interrupted: signal.aborted };
  });
}
