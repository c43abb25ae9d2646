import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "./cli/run-cli.ts";
import { createProgram } from "./host/program.ts";
import { homeOf, userHomeOf } from "./host/surroundings.ts";
import { packageRoot } from "./package-root.ts";

function ownVersion(): string {
  const text = readFileSync(join(packageRoot, "package.json"), "utf8");
  return String((JSON.parse(text) as { version?: unknown }).version);
}

/** What an attempt that did not end still holds must not keep the process. */
const lingerMsMax = 1_000;

/** Starts the command line; the only place that reads `process`. */
export async function main(): Promise<void> {
  const { env, argv, pid, platform, stdout, stderr, stdin } = process;
  const around = {
    env,
    userHome: userHomeOf(env),
    cwd: process.cwd(),
    pid,
    euid: process.geteuid?.() ?? null,
    platform,
    version: ownVersion(),
    self: [process.execPath, process.argv[1] ?? ""],
  } as const;
  const code = await runCli({
    argv: argv.slice(2),
    env,
    cwd: around.cwd,
    stdout,
    stderr,
    stdin,
    homeOf: (option) => homeOf(around, option),
    program: createProgram(around),
    exit: (code) => process.exit(code),
    suspend: () => process.kill(0, "SIGTSTP"),
    become: (file, given) => process.execve?.(file, given, env),
    onCrash: (listener) => {
      process.on("uncaughtExceptionMonitor", listener);
      return () => process.off("uncaughtExceptionMonitor", listener);
    },
    tui: async (session, options) => (await import("./tui/tui.ts")).tui(session, options),
    onSignal: (name, listener) => {
      process.on(name, listener);
      return () => process.off(name, listener);
    },
  });
  process.exitCode = code;
  setTimeout(() => process.exit(code), lingerMsMax).unref();
}
