import { setTimeout as sleep } from "node:timers/promises";
import type { Door, RunPlan, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { openReader, type Session } from "./session.ts";
import { agreed } from "./versions.ts";

/** Whether the person agreed beforehand to what might be asked. */
export interface Consent {
  readonly yes?: true | undefined;
}

const otherStartMsMax = 5_000;
const pollMs = 100;

/** The daemon of the home when one runs, of our version. */
export async function findDaemon(session: Session, { yes }: Consent = {}): Promise<Door | null> {
  const { world, place } = session;
  const door = await world.program.daemon(place);
  return door === null ? null : agreed(session, door, { yes: yes === true });
}

/** The daemon for what is asked of loop `id`, started when none runs and there is such a loop. */
export async function openDaemon(
  session: Session,
  id: string,
  consent: Consent = {},
): Promise<Door> {
  const running = await findDaemon(session, consent);
  if (running !== null) return running;
  refuseStart(session);
  await (await openReader(session)).loop(id);
  return startDaemon(session);
}

/** The daemon for what is asked of no loop, started when none runs. */
export async function openAny(session: Session): Promise<Door> {
  return (await findDaemon(session)) ?? startDaemon(session);
}

/**
 * The daemon for new loops. Before one is started, the first request is tried here, and what all wait for: what is wrong
 * with it, or with this environment that the daemon would get, is told without a daemon.
 */
export async function openForRun(
  session: Session,
  requests: readonly RunRequest[],
  consent: Consent,
): Promise<{ readonly door: Door; readonly plan: RunPlan | null }> {
  const running = await findDaemon(session, consent);
  if (running !== null) return { door: running, plan: null };
  refuseStart(session);
  const { world, place } = session;
  await refuseUnknown(session, requests);
  const options = { withHistory: false };
  const [first] = requests;
  const planned = first === undefined ? null : world.program.plan(place, first, options);
  const plan = planned === null ? null : await about(0, planned);
  return { door: await startDaemon(session), plan };
}

/** What nobody is there for cannot be waited for: the log says so without a daemon. */
async function refuseUnknown(session: Session, requests: readonly RunRequest[]): Promise<void> {
  if (requests.every(({ after }) => after.length === 0)) return;
  const none = { status: null, type: null, plan: null };
  const loops = await (await openReader(session)).loops(none);
  const ids = new Set(loops.map(({ id }) => id));
  for (const [at, { after }] of requests.entries()) {
    const unknown = after.find((id) => !ids.has(id));
    if (unknown === undefined) continue;
    const message = `there is no loop ${unknown} to wait for: td list shows all`;
    throw new UserError(exitCodes.notFound, message, { request: at });
  }
}

/** A refusal says which of several requests it is about. */
async function about<Result>(request: number, doing: Promise<Result>): Promise<Result> {
  return doing.catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.exitCode, error.message, { cause: error, request });
  });
}

/** The daemon of the home, started when none runs. */
export async function openAnyDaemon(session: Session): Promise<Door> {
  return (await findDaemon(session)) ?? startDaemon(session);
}

/** Starts the daemon and says so; refuses with --no-start. */
async function startDaemon(session: Session): Promise<Door> {
  const { world, place } = session;
  refuseStart(session);
  try {
    const door = await world.program.startDaemon(place);
    session.say(`started the daemon (pid ${(await door.status()).pid}); td stop ends it`);
    return door;
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

function refuseStart({ mayStart }: Session): void {
  if (mayStart) return;
  throw new UserError(exitCodes.daemon, "no daemon runs, and --no-start forbids it: td start");
}
