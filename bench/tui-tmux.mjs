/** A key through tmux and back: typed at an attached client, seen when that client draws it. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { columns, pressKeys, rows } from "./tui-board.mjs";
import { tell } from "./tui-measured.mjs";

const run = promisify(execFile);
const seconds = Number(process.argv[2] ?? 10);
/** Until all rows are there and drawn. */
const settleMs = 3_000;
const place = await mkdtemp(join(tmpdir(), ".td-bench-tmux-"));
const tmux = ["-S", join(place, "socket"), "-f", "/dev/null", "-u"];
const pane = `${process.execPath} ${join(import.meta.dirname, "tui-pane.mjs")}`;
const env = { ...process.env, TERM: "xterm-256color" };
try {
  const size = ["-x", String(columns), "-y", String(rows)];
  await run("tmux", [...tmux, "new-session", "-d", ...size, pane], { env });
  for (const [name, value] of [
    ["status", "off"],
    ["escape-time", "0"],
  ]) {
    await run("tmux", [...tmux, "set-option", "-g", name, value], { env });
  }
  await tell(await measuredAt(`exec tmux ${tmux.join(" ")} attach`));
} finally {
  await run("tmux", [...tmux, "kill-server"], { env }).catch(() => undefined);
  await rm(place, { recursive: true, force: true });
}

/** `script` gives the client a terminal of its own. */
async function measuredAt(attach) {
  const command = `stty cols ${columns} rows ${rows}; ${attach}`;
  const client = spawn("script", ["-qfec", command, "/dev/null"], { env });
  let listen = () => undefined;
  client.stdout.setEncoding("utf8");
  client.stdout.on("data", (text) => listen(text));
  await setTimeout(settleMs);
  const shown = () => {
    const { promise, resolve } = Promise.withResolvers();
    listen = (text) => {
      if (text.includes("▌")) resolve(performance.now());
    };
    return promise;
  };
  const keys = await pressKeys(seconds, (key) => client.stdin.write(key), shown);
  client.kill();
  return keys;
}
