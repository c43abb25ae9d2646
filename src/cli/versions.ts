import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { agrees, hasTerminal } from "./ask.ts";
import type { Session } from "./session.ts";
import { oneLine } from "./text.ts";

/**
 * The daemon, once it is of our version: an older one is drained and replaced after asking, a
 * newer one is not spoken to.
 */
export async function agreed(
  session: Session,
  door: Door,
  { yes }: { readonly yes: boolean },
): Promise<Door> {
  const { program } = session.world;
  const theirs = await door.version();
  const order = compareVersions(theirs, program.version);
  if (order === 0) return door;
  const what = `the daemon is version ${oneLine(theirs)}, this td is ${program.version}`;
  if (order > 0) {
    const message = `${what}: use the newer td, or td restart to go back to this one`;
    throw new UserError(exitCodes.daemon, message);
  }
  const refusal = new UserError(exitCodes.daemon, `${what}: td restart drains and replaces it`);
  if (!yes && !hasTerminal(session)) throw refusal;
  if (!yes && !(await agrees(session, `${what}. Drain it and start this one in its place?`))) {
    throw refusal;
  }
  await program.stopDaemon(session.place, { now: false });
  session.say("the older daemon has stopped");
  return program.startDaemon(session.place);
}

/** Below zero when `a` is older than `b`; a version with a suffix comes before the one without. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (const [index, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.suffix === right.suffix) return 0;
  if (left.suffix === "" || right.suffix === "") return left.suffix === "" ? 1 : -1;
  return left.suffix.localeCompare(right.suffix, "en", { numeric: true });
}

/** What is no version is older than any. */
function partsOf(version: string): {
  readonly numbers: readonly number[];
  readonly suffix: string;
} {
  const found = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([^+]*))?/.exec(version);
  if (found === null) return { numbers: [0, 0, 0], suffix: "?" };
  const [, major, minor, patch, suffix = ""] = found;
  return { numbers: [major, minor, patch].map(Number), suffix };
}
