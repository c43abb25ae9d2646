#!/usr/bin/env node
// Plain JavaScript that any Node can read: finds a Node new enough, then starts the program.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const floor = [22, 19];

if (process.argv.length === 3 && (process.argv[2] === "--version" || process.argv[2] === "-V")) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  process.stdout.write(`${version}\n`);
} else if (isNewEnough(process.versions.node)) {
  await start();
} else {
  await delegate();
}

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > floor[0] || (major === floor[0] && minor >= floor[1]);
}

async function start() {
  const program = join(root, "dist", "main.js");
  if (!existsSync(program)) fail("td is not built yet: run `npm ci` (or `npm run build`) here");
  if (process.channel) {
    process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
    process.channel.unref();
  }
  // Beside what it is of, and only for its owner: root would leave files that its owner cannot remove.
  if (statSync(program).uid === process.geteuid?.()) {
    // Not imported: that would read, and so load, all that it exports.
    process.getBuiltinModule("node:module").enableCompileCache(join(root, "dist", ".cache"));
  }
  const { main } = await import(program);
  await main();
}

/** The node that `npm ci` put beside us in a checkout, or null. */
async function ownNode() {
  const { createRequire } = await import("node:module");
  try {
    const packageFile = createRequire(join(root, "package.json")).resolve("node/package.json");
    const file = join(dirname(packageFile), "bin", "node");
    return existsSync(file) ? file : null;
  } catch {
    return null;
  }
}

async function delegate() {
  const node = await ownNode();
  if (node === null) {
    fail(
      `td needs Node ${floor.join(".")} or newer, and this is ${process.versions.node}.\n` +
        "Install one from https://nodejs.org (or `nvm install 24`), or run `npm ci` in a checkout.",
    );
  }
  const { spawn } = await import("node:child_process");
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    // The channel is a leash: when this process dies, even by kill -9, the child's end closes.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // A terminal sends its signals to the whole group: the child decides when to end, we follow.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(name, () => name !== "SIGINT" && child.kill(name));
  }
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
