import type { LoopId } from "../../core/loop.ts";
import { textOf } from "../process/capture.ts";
import { runProcess } from "../process/launch.ts";
import type { Ground } from "./ground.ts";
import { installRemedy, type Program, startRemedy } from "./programs.ts";
import { confinedRequest, type Launch } from "./requests.ts";
import { removeTree } from "./scratch.ts";
import type { Confinement } from "./wrap.ts";

/** How commands of this daemon are confined; if they are not, why, and what to do about it. */
export interface SandboxProbe {
  readonly level: "bubblewrap" | "seatbelt" | "none";
  readonly confinement: Confinement | null;
  /** The user id that commands are given; null when it is our own. */
  readonly uid: number | null;
  /** Null when all is well. */
  readonly problem: string | null;
  /** Why commands have no network even where it is allowed; null when they do. */
  readonly networkProblem: string | null;
}

const probeTimeoutMs = 10_000;
const probeOutputBytesMax = 10_000;

/** Finds out by running a command. Every problem names its remedy. */
export async function probeGround(ground: Ground): Promise<SandboxProbe> {
  const { programs, dropTo, isMac } = ground;
  const uid = dropTo;
  const networkProblem = networkProblemOf(ground);
  const none = (problem: string): SandboxProbe => ({
    level: "none",
    confinement: null,
    uid,
    problem,
    networkProblem: problem,
  });
  if (dropTo === 0) return none("sandbox.uid is 0: commands must not be root; use 65534");
  if (isMac) {
    return { level: "seatbelt", confinement: null, uid, problem: null, networkProblem };
  }
  const missing: Program[] = [];
  if (programs.bwrap === null) missing.push("bubblewrap");
  if (dropTo !== null && programs.setpriv === null) missing.push("util-linux");
  if (missing.length > 0) {
    return none(`no sandbox: ${missing.join(", ")} not found; ${installRemedy(missing)}`);
  }
  if (ground.filters === null) return none("no sandbox for this processor; x64 and arm64 have one");
  let failure = "";
  for (const confinement of dropTo === null
    ? (["user"] as const)
    : (["root", "dropped"] as const)) {
    failure = await tryConfinement(ground, confinement);
    if (failure === "") {
      return { level: "bubblewrap", confinement, uid, problem: null, networkProblem };
    }
  }
  return none(`the sandbox does not start (${failure}): ${startRemedy(failure)}`);
}

/** What it said when it failed; empty when it works. */
async function tryConfinement(ground: Ground, confinement: Confinement): Promise<string> {
  const temp = ground.scratch.temp();
  try {
    const request = confinedRequest(ground, probeCommand, { confinement, temp, pass: null });
    const end = await runProcess(request, AbortSignal.timeout(probeTimeoutMs));
    const said = textOf(end.stderr, ground.options.redact).trim();
    return end.exitCode === 0 ? "" : said || `${end.ended} ${end.exitCode}`;
  } finally {
    await removeTree(temp);
  }
}

function networkProblemOf({ programs, isMac }: Ground): string | null {
  const missing: Program[] = [];
  if (!isMac && programs.socat === null) missing.push("socat");
  if (programs.rg === null) missing.push("ripgrep");
  if (missing.length === 0) return null;
  return `no network for commands: ${missing.join(", ")} not found; ${installRemedy(missing)}`;
}

const probeCommand: Launch = {
  loop: "probe" as LoopId,
  command: "true",
  cwd: "/usr",
  writable: [],
  readable: [],
  settings: { level: "required", networkAllow: [], memoryBytesMax: 1e9, processesMax: 100 },
  env: {},
  unixSockets: false,
  channel: null,
  timeoutMs: probeTimeoutMs,
  outputBytesMax: probeOutputBytesMax,
};
