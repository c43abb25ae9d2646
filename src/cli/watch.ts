import { exitCodes, UserError } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { nextLook } from "./follow.ts";
import { interruptible } from "./interrupt.ts";
import { loopColumns } from "./list.ts";
import { endOf } from "./logs.ts";
import { lookOf, statuses } from "./look.ts";
import { askLive, type Session } from "./session.ts";
import { table } from "./table.ts";
import { cut } from "./text.ts";

const rowsFallback = 24;
/** The line above the list, the list's head, and the last row, which may scroll. */
const rowsTaken = 4;
const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";

/** `td watch`: the list as it changes, two looks a second, until Ctrl-C. */
export async function watch(session: Session): Promise<number> {
  const { stdout, env } = session.world;
  if (session.json || stdout.isTTY !== true || env["TERM"] === "dumb") {
    const message = "td watch draws on a terminal: td list, or td events -f --json for programs";
    throw new UserError(exitCodes.usage, message);
  }
  return interruptible(session, async (interrupted) => {
    const hungUp = new AbortController();
    const signal = AbortSignal.any([interrupted, hungUp.signal]);
    const offHup = session.world.onSignal("SIGHUP", () => hungUp.abort());
    // At once, also while an answer is waited for: a second Ctrl-C ends the process as it is.
    signal.addEventListener("abort", () => session.printRaw(leave), { once: true });
    session.printRaw(enter);
    try {
      await draw(session, signal);
    } finally {
      offHup();
      if (!signal.aborted) session.printRaw(leave);
    }
    return endOf(session);
  });
}

async function draw(session: Session, signal: AbortSignal): Promise<void> {
  let drawn = "";
  for (;;) {
    // Asked anew each time: a daemon may come, go, and come back.
    const loops = await askLive(session, (reader) => reader.loops(all));
    if (signal.aborted) return;
    const frame = frameOf(session, loops);
    if (frame !== drawn) session.printRaw(frame);
    drawn = frame;
    if (!(await nextLook(signal))) return;
  }
}

const all = { status: null, type: null, plan: null };

/** Whoever moves or waits for a person first. */
const order = ["running", "blocked", "draft", "failed", "pending", "delegated", "paused"];

function frameOf({ world, look }: Session, loops: readonly LoopView[]): string {
  const { stdout, env } = world;
  const { width } = lookOf(stdout, env, true);
  const rows = (stdout.rows || rowsFallback) - rowsTaken;
  const rank = ({ status }: LoopView) => (order.indexOf(status) + order.length) % order.length;
  const known = ({ status }: LoopView) => order.includes(status);
  const sorted = loops.toSorted(
    (a, b) =>
      Number(known(b)) - Number(known(a)) ||
      rank(a) - rank(b) ||
      b.updatedAt.localeCompare(a.updatedAt),
  );
  const counts = statuses.flatMap((status) => {
    const count = loops.filter((loop) => loop.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  const left = loops.length - Math.max(0, rows);
  const more = left > 0 ? ` · ${left} more: td list` : "";
  const head = `${counts.join(" · ") || "there are no loops yet"}${more} · Ctrl-C ends`;
  const shown = sorted.slice(0, Math.max(0, rows));
  const body = shown.length === 0 ? "" : table(loopColumns(Date.now()), shown, { ...look, width });
  const lines = [cut(head, width ?? head.length), "", ...body.split("\n")];
  return `\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`;
}
