/** The screen on the terminal that it is started in, with a busy board; `q` leaves it. */
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { busyDoor, sessionAt } from "./tui-board.mjs";

const { tui } = await import(join(import.meta.dirname, "../dist/tui.js"));
const { door, begin } = busyDoor();
const { stdin, stdout } = process;
const running = tui(sessionAt({ stdin, stdout, stderr: new PassThrough() }, door), { mouse: true });
begin();
await running;
process.exit(0);
