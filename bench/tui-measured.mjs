/** A terminal within the process, and what a screen costs that draws on it. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { PassThrough, Writable } from "node:stream";
import { columns, pressKeys, rows } from "./tui-board.mjs";

export class MeasuredTerminal {
  sentBytes = 0;
  #listen = () => undefined;
  stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => undefined,
    ref: () => undefined,
    unref: () => undefined,
  });
  stdout = Object.assign(
    new Writable({
      decodeStrings: false,
      write: (text, _encoding, done) => {
        this.sentBytes += Buffer.byteLength(text);
        this.#listen(String(text));
        done();
      },
    }),
    { isTTY: true, columns, rows },
  );

  /** The time at which something is written of which that is so. */
  written(isIt) {
    const { promise, resolve } = Promise.withResolvers();
    this.#listen = (text) => {
      if (isIt(text)) resolve(performance.now());
    };
    return promise;
  }
}

/** Keys for so long, while `begin` makes the board busy; `shows` tells the frame of a key. */
export async function measured(terminal, { seconds, begin, shows }) {
  const begunAt = performance.now();
  const begunCpu = process.cpuUsage();
  terminal.sentBytes = 0;
  const end = begin();
  const press = (key) => terminal.stdin.write(key);
  const shown = (selected) => terminal.written((text) => shows(text, selected));
  const keys = await pressKeys(seconds, press, shown);
  end();
  const tookMs = performance.now() - begunAt;
  const { user, system } = process.cpuUsage(begunCpu);
  return {
    ...keys,
    corePercent: (user + system) / 10 / tookMs,
    kbPerSecond: terminal.sentBytes / tookMs,
    rssMb: process.memoryUsage().rss / 1e6,
  };
}

export async function tell(found) {
  process.stdout.write(`${JSON.stringify(found)}\n`);
  if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
}
