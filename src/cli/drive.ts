import type { LiveEvent } from "../ports.ts";
import type { Door } from "../protocol/door.ts";
import { type ExitCode, exitCodes } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { WhyView } from "../views/why.ts";
import { draftText } from "./draft.ts";
import { interruptible } from "./interrupt.ts";
import { LiveLine } from "./live-line.ts";
import { advance, begin, lastingLine, type Progress, statusLine } from "./progress.ts";
import { openReader, type Session } from "./session.ts";
import { summary } from "./summary.ts";

/** Follows a loop with its progress on stderr until it rests, then prints what it is. */
export async function drive(session: Session, door: Door, start: LoopView): Promise<number> {
  let interrupted = false;
  const view = await interruptible(session, async (signal) => {
    const view = await watched(session, door, start, signal);
    interrupted = signal.aborted;
    return view;
  });
  const code = exitCodeOf(view, interrupted);
  if (session.json) session.printJson(view);
  else {
    const why = view.status === "complete" ? null : await whyOf(session, door, view.id);
    session.print(summary(view, why, session));
    if (view.status === "draft") session.print(draftText(await door.draft(view.id), session.look));
  }
  if (code === exitCodes.interrupted) {
    const { id } = view;
    const ways = `td logs ${id} -f or td run --resume ${id} follows it, td stop ${id} ends it`;
    session.world.stderr.write(`td: the daemon goes on with ${id}: ${ways}\n`);
  }
  return code;
}

/** From the log when the daemon is gone already. */
async function whyOf(session: Session, door: Door, id: string): Promise<WhyView> {
  return door.why(id).catch(async () => (await openReader(session)).why(id));
}

async function watched(
  session: Session,
  door: Door,
  start: LoopView,
  signal: AbortSignal,
): Promise<LoopView> {
  const watcher = new Watcher(session, start);
  watcher.start();
  try {
    return await door.drive(start.id, (event) => watcher.see(event), signal);
  } finally {
    watcher.stop();
  }
}

/** Owns what is shown of one loop on stderr. */
class Watcher {
  readonly #session: Session;
  readonly #line: LiveLine;
  #progress: Progress;

  constructor(session: Session, start: LoopView) {
    this.#session = session;
    this.#progress = begin(start, Date.now());
    this.#line = new LiveLine(session.world.stderr, (columns) =>
      statusLine(this.#progress, Date.now(), columns),
    );
  }

  start(): void {
    const { quiet, errorLook, world } = this.#session;
    if (!quiet) this.#line.start(errorLook, world.env["TERM"] === "dumb");
  }

  stop(): void {
    this.#line.stop();
  }

  see(event: LiveEvent): void {
    if (event.loop !== this.#progress.loop) return;
    this.#progress = advance(this.#progress, event);
    const { quiet, verbose, errorLook } = this.#session;
    if (quiet) return;
    const line = lastingLine(event, this.#progress, verbose, errorLook);
    if (line !== null) this.#line.write(line);
  }
}

/** The exit code that a loop's status means (CLI.md). */
export function exitCodeOf(
  { status, blockedOn }: Pick<LoopView, "status" | "blockedOn">,
  interrupted: boolean,
): ExitCode {
  switch (status) {
    case "complete":
    case "draft":
      return exitCodes.done;
    case "blocked":
      return blockedOn === "budget" ? exitCodes.budget : exitCodes.person;
    case "paused":
      return exitCodes.person;
    case "failed":
    case "stopped":
      return exitCodes.failed;
    default:
      return interrupted ? exitCodes.interrupted : exitCodes.failed;
  }
}
