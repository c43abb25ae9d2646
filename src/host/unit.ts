import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { codeOf } from "../adapters/store/errors.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { UnitReport, UnitView } from "../protocol/unit.ts";
import { connect } from "./control.ts";
import { homeOf, type Surroundings } from "./surroundings.ts";
import { isSayable, launchdJob, systemdUnit, type UnitFacts, unitMark } from "./unit-text.ts";

const managerMsMax = 30_000;

/** The machine's own supervisor, and what this home is to it. */
interface Manager {
  readonly kind: "systemd" | "launchd";
  readonly name: string;
  readonly file: string;
  readonly enable: Words;
  readonly enableAndStart: Words;
  readonly disable: Words;
  /** After a file was written or removed; null when it looks by itself. */
  readonly reload: Words | null;
}

type Words = readonly [string, ...string[]];

export function viewUnit(around: Surroundings, home: string): UnitView {
  const manager = managerOf(around, home);
  const facts = factsOf(around, home);
  const said = [home, ...facts.self, facts.keysFile, ...Object.values(facts.variables)];
  const wrong = said.find((text) => !isSayable(text));
  if (wrong !== undefined) {
    const message = `no unit can name ${JSON.stringify(wrong)}: it has control characters`;
    throw new UserError(exitCodes.usage, message);
  }
  const { kind, file, name } = manager;
  return {
    file,
    text: kind === "systemd" ? systemdUnit(facts) : launchdJob(facts, name),
    isInstalled: isOwn(file),
    enable: manager.enableAndStart.join(" "),
    keysFile: facts.keysFile,
    notes: notesOf(around, manager),
  };
}

/** The unit of this home that is installed; null without one. */
export function findUnit(around: Surroundings, home: string): string | null {
  if (!isKnown(around.platform)) return null;
  const { file } = managerOf(around, home);
  return isOwn(file) ? file : null;
}

/** Writes it whole or not at all, and lets the machine know where it has such a supervisor. */
export async function installUnit(around: Surroundings, home: string): Promise<UnitReport> {
  const { file, text, enable, keysFile, notes } = viewUnit(around, home);
  const manager = managerOf(around, home);
  if (exists(file) && !isOwn(file)) {
    const message = `${file} is there already, and not by td service: move it away first`;
    throw new UserError(exitCodes.usage, message);
  }
  mkdirSync(dirname(file), { recursive: true });
  const making = `${file}.${around.pid}`;
  writeFileSync(making, text, { mode: 0o644 });
  renameSync(making, file);
  const lines = [`wrote ${file}`];
  const isServed = (await connect(home)) !== null;
  const problem =
    told(around, manager.reload) ??
    told(around, isServed ? manager.enable : manager.enableAndStart);
  if (problem !== null) lines.push(`not enabled (${problem}): ${enable}`);
  else if (isServed) {
    lines.push(`enabled; a daemon that it did not start serves this home: td stop, then ${enable}`);
  } else lines.push("enabled and started: it comes back after a crash and after a reboot");
  lines.push(`keys go into ${keysFile}, one NAME=value a line (chmod 600)`, ...notes);
  return { file, isEnabled: problem === null, lines };
}

export async function uninstallUnit(around: Surroundings, home: string): Promise<UnitReport> {
  const manager = managerOf(around, home);
  const { file } = manager;
  if (!exists(file)) return { file, isEnabled: false, lines: [`there is no ${file}`] };
  if (!isOwn(file)) {
    throw new UserError(exitCodes.usage, `${file} is not by td service: it stays`);
  }
  const problem = told(around, manager.disable);
  rmSync(file, { force: true });
  told(around, manager.reload);
  const rest = problem === null ? "" : ` (it could not be disabled: ${problem})`;
  return { file, isEnabled: false, lines: [`removed ${file}${rest}`] };
}

function isKnown(platform: NodeJS.Platform): boolean {
  return platform === "linux" || platform === "darwin";
}

function managerOf(around: Surroundings, home: string): Manager {
  const { platform, euid } = around;
  if (!isKnown(platform)) {
    const message = `td service knows systemd and launchd, and this is ${platform}: td start --foreground is what to run`;
    throw new UserError(exitCodes.usage, message);
  }
  const isUsual = home === homeOf({ ...around, env: { ...around.env, TASKDAEMON_HOME: "" } }, null);
  const suffix = isUsual ? "" : `-${createHash("sha256").update(home).digest("hex").slice(0, 8)}`;
  return platform === "linux"
    ? systemd(around, `taskdaemon${suffix}.service`)
    : launchd(around, `taskdaemon${suffix}`, euid ?? 0);
}

function systemd(around: Surroundings, name: string): Manager {
  const isSystem = around.euid === 0;
  const dir = isSystem ? "/etc/systemd/system" : join(configOf(around), "systemd", "user");
  const ctl: Words = isSystem ? ["systemctl"] : ["systemctl", "--user"];
  return {
    kind: "systemd",
    name,
    file: join(dir, name),
    enable: [...ctl, "enable", name],
    enableAndStart: [...ctl, "enable", "--now", name],
    disable: [...ctl, "disable", "--now", name],
    reload: [...ctl, "daemon-reload"],
  };
}

function launchd({ userHome }: Surroundings, name: string, euid: number): Manager {
  const isSystem = euid === 0;
  const dir = isSystem ? "/Library/LaunchDaemons" : join(userHome, "Library", "LaunchAgents");
  const domain = isSystem ? "system" : `gui/${euid}`;
  const file = join(dir, `${name}.plist`);
  return {
    kind: "launchd",
    name,
    file,
    enable: ["launchctl", "enable", `${domain}/${name}`],
    enableAndStart: ["launchctl", "bootstrap", domain, file],
    disable: ["launchctl", "bootout", `${domain}/${name}`],
    reload: null,
  };
}

function configOf({ env, userHome }: Surroundings): string {
  return env["XDG_CONFIG_HOME"] || join(userHome, ".config");
}

/** Only what finds programs and the configuration; never a key. */
function factsOf(around: Surroundings, home: string): UnitFacts {
  const { env, self, euid } = around;
  const isSystem = euid === 0;
  const names = ["PATH", "XDG_CONFIG_HOME"];
  const variables = names.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return {
    home,
    self,
    variables: Object.fromEntries(variables),
    keysFile: isSystem
      ? "/etc/taskdaemon/environment"
      : join(configOf(around), "taskdaemon", "environment"),
    isSystem,
  };
}

function notesOf({ self, euid }: Surroundings, { kind }: Manager): string[] {
  const notes: string[] = [];
  if (self.some((path) => path.includes("/_npx/"))) {
    notes.push("this td lies in npx's cache, which may be emptied: npm install -g taskdaemon");
  }
  if (kind === "systemd" && euid !== 0) {
    notes.push("to run while you are logged out: loginctl enable-linger");
  }
  return notes;
}

function exists(file: string): boolean {
  return textOf(file) !== null;
}

function isOwn(file: string): boolean {
  return textOf(file)?.includes(unitMark) === true;
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return null;
    throw error;
  }
}

/** Null when it obeyed, or was not asked; else in a few words why not. */
function told({ env }: Surroundings, words: Words | null): string | null {
  if (words === null) return null;
  const [program, ...args] = words;
  const result = spawnSync(program, args, { env, encoding: "utf8", timeout: managerMsMax });
  if (result.error !== undefined) {
    return codeOf(result.error) === "ENOENT" ? `there is no ${program}` : result.error.message;
  }
  if (result.status === 0) return null;
  const said = result.stderr.trim().split("\n", 1)[0] ?? "";
  return said === "" ? `${program} ended with ${result.status}` : said;
}
