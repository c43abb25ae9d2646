/** The screen alone in a process: thousands of loops, a busy board, a person who presses keys. */
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { busyDoor, columns, sessionAt } from "./tui-board.mjs";
import { MeasuredTerminal, measured, tell } from "./tui-measured.mjs";

// As it is built: stripping types takes longer than the first frame may.
const built = join(import.meta.dirname, "../dist/tui.js");
const { tui } = await import(built);

const terminal = new MeasuredTerminal();
const { door, begin } = busyDoor();
const firstFrame = terminal.written(() => terminal.sentBytes > columns * 2);
const session = sessionAt({ ...terminal, stderr: new PassThrough() }, door);
const running = tui(session, { mouse: true });
const firstFrameMs = await firstFrame;
await setTimeout(500);

// Only the cells that differ are sent: the bar of the selection is there when it has moved.
const shows = (text) => text.includes("▌");
const found = await measured(terminal, { seconds: Number(process.argv[2] ?? 30), begin, shows });
terminal.stdin.write("q");
await running;
await tell({ firstFrameMs, ...found });
