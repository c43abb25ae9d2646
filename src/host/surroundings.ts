import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { exitCodes, UserError } from "../protocol/errors.ts";

/** What the process was born into; read once, in main.ts. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userHome: string;
  readonly cwd: string;
  readonly pid: number;
  /** Effective user id; null where there is no such thing. */
  readonly euid: number | null;
  readonly platform: NodeJS.Platform;
  readonly version: string;
  /** How this program is started again: interpreter and script. */
  readonly self: readonly [string, string];
}

/** Where all state lives, in order: the option, the variable, the platform's state directory. */
export function homeOf(around: Surroundings, option: string | null): string {
  const { env, cwd, platform, euid, userHome } = around;
  const { TASKDAEMON_HOME, XDG_STATE_HOME } = env;
  const named = option ?? TASKDAEMON_HOME;
  if (named !== undefined && named !== "") return storable(resolve(cwd, named));
  if (euid === 0) return "/var/lib/taskdaemon";
  if (platform === "darwin") return join(userHome, "Library", "Application Support", "taskdaemon");
  return join(XDG_STATE_HOME || join(userHome, ".local", "state"), "taskdaemon");
}

/** Node tries for ever to make a directory in there. */
function storable(home: string): string {
  if (!/^\/proc(?:\/|$)/.test(home)) return home;
  throw new UserError(exitCodes.invalid, `nothing can be kept in ${home}: name another --home`);
}

/** HOME is the user's word; without it the user database answers. */
export function userHomeOf(env: Surroundings["env"]): string {
  const { HOME } = env;
  return HOME || homedir();
}
