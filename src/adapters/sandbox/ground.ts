import { readdirSync, writeFileSync } from "node:fs";
import { availableParallelism, platform, userInfo } from "node:os";
import { join } from "node:path";
import { arch, geteuid, pid } from "node:process";
import type { Redact } from "../../ports.ts";
import { makePipes, type PipePlace } from "../process/pipes.ts";
import { readProc } from "../process/tree.ts";
import { searchPath } from "./environment.ts";
import { findPrograms, type SandboxPrograms } from "./programs.ts";
import { Scratch } from "./scratch.ts";
import { seccompFilter } from "./seccomp.ts";
import { findToolchains, type Toolchains } from "./toolchains.ts";
import { readSystem, type SystemEntry } from "./view.ts";

export interface SandboxOptions {
  /** TASKDAEMON_HOME: hidden from commands but for what a request names. */
  readonly home: string;
  /** Who commands are when the daemon is root. */
  readonly uid: number;
  readonly redact: Redact;
  /** How many commands run at once. */
  readonly concurrency: number | "auto";
  /** The daemon's environment, of which commands see an allowlist. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userHome: string;
  /** More paths that no command may see. */
  readonly hidden?: readonly string[];
  /** Hears of hosts that a command asked for in vain; the proxy does not know which one it was. */
  readonly denied?: (host: string) => Promise<void>;
}

const slotsPerCore = 2;
const closeOnExec = 0o2000000;

/** All that is the same for every command of this daemon. */
export interface Ground {
  readonly options: SandboxOptions;
  readonly programs: SandboxPrograms;
  readonly toolchains: Toolchains;
  readonly system: readonly SystemEntry[];
  readonly scratch: Scratch;
  /** Null when we are not root: then commands are who we are. */
  readonly dropTo: number | null;
  readonly userName: string;
  readonly isMac: boolean;
  /** Descriptors that somebody left open to us and that our children would inherit. */
  readonly strayDescriptors: readonly number[];
  /** System call filters; null where we do not know the processor. */
  readonly filters: SeccompFilters | null;
  /** How many commands run at once. */
  readonly slots: number;
  readonly pipes: PipePlace;
}

interface SeccompFilters {
  readonly strict: string;
  readonly withUnixSockets: string;
}

/** Looks at the machine, and clears away what dead daemons left below the home. */
export function prepareGround(options: SandboxOptions): Ground {
  const isRoot = geteuid?.() === 0;
  const paths = searchPath(options.env);
  const system = readSystem();
  const dropTo = isRoot ? options.uid : null;
  const scratch = new Scratch(options.home, { pid, uid: dropTo });
  scratch.reap();
  const { concurrency } = options;
  const slots = concurrency === "auto" ? availableParallelism() * slotsPerCore : concurrency;
  const visible = system.map((entry) => entry.path);
  return {
    options,
    programs: findPrograms(paths),
    toolchains: findToolchains(paths, options.userHome, visible),
    system,
    scratch,
    dropTo,
    userName: isRoot ? "nobody" : ownName(),
    isMac: platform() === "darwin",
    strayDescriptors: findStrayDescriptors(),
    filters: writeFilters(scratch.keep("seccomp")),
    slots,
    pipes: makePipes({ dir: scratch.keep("pipes"), count: slots }, dropTo),
  };
}

/** A user id need not have a name, as in many containers. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return "user";
  }
}

/** Node closes its own to children, and of inherited ones only those without a gap. */
function findStrayDescriptors(): number[] {
  if (platform() !== "linux") return [];
  return readdirSync("/proc/self/fdinfo")
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInheritable(descriptor));
}

function isInheritable(descriptor: number): boolean {
  const flags = /^flags:\s+([0-7]+)$/m.exec(readProc("self", `fdinfo/${descriptor}`) ?? "")?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
}

function writeFilters(dir: string): SeccompFilters | null {
  const strict = seccompFilter(arch, { unixSockets: false });
  const withUnixSockets = seccompFilter(arch, { unixSockets: true });
  if (strict === null || withUnixSockets === null) return null;
  const paths = { strict: join(dir, "strict"), withUnixSockets: join(dir, "unix") };
  writeFileSync(paths.strict, strict, { mode: 0o600 });
  writeFileSync(paths.withUnixSockets, withUnixSockets, { mode: 0o600 });
  return paths;
}
