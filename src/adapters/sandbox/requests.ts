import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { dirname, isAbsolute, normalize } from "node:path";
import { assert } from "../../core/assert.ts";
import type { CommandRequest } from "../../ports.ts";
import type { ChannelPlace } from "../process/channel.ts";
import type { ProcessRequest } from "../process/run.ts";
import { commandEnvironment, noRetries } from "./environment.ts";
import type { Ground } from "./ground.ts";
import type { NetworkPass } from "./network.ts";
import { tempPlace } from "./view.ts";
import { type Confinement, shellArguments, wrapCommand } from "./wrap.ts";

/** A command; one that is spoken to has a channel, and its private directory for a HOME. */
export interface Launch extends CommandRequest {
  readonly channel: ChannelPlace | null;
}

/** bubblewrap's monitor and init are in the tree, and not the command's. */
const wrapperProcesses = 2;

/** The command in bubblewrap. `temp` is its private directory, which it sees as /tmp. */
export function confinedRequest(
  ground: Ground,
  request: Launch,
  options: {
    readonly confinement: Confinement;
    readonly temp: string;
    readonly pass: NetworkPass | null;
  },
): ProcessRequest {
  const { confinement, temp, pass } = options;
  for (const path of [request.cwd, ...request.readable, ...request.writable]) {
    assert(isAbsolute(path) && path === normalize(path) && path !== "/", `a clean path: ${path}`);
  }
  const home = homeOf(ground, request);
  const { channel } = request;
  // Dropped before it mounts, bubblewrap fails on what it cannot reach.
  const toolchains = ground.toolchains.readable.filter(
    (path) => confinement !== "dropped" || isOpen(path),
  );
  // The relay to the proxy speaks over a Unix socket, under the command's own filter.
  const unixSockets = request.unixSockets || pass !== null;
  return {
    ...common(ground, request, {
      ...{ home: home ?? tempPlace, temp: tempPlace, more: pass?.env ?? noRetries },
    }),
    argv: wrapCommand({
      confinement,
      uid: ground.options.uid,
      ground,
      view: {
        system: ground.system,
        readable: [...toolchains, request.cwd, ...request.readable],
        writable: home === null ? request.writable : [...request.writable, home],
        placed: [[temp, tempPlace]],
        hidden: [ground.options.home, ground.options.userHome, ...(ground.options.hidden ?? [])],
      },
      cwd: request.cwd,
      command: request.command,
      pass,
    }),
    // The daemon's place may be closed to the user that bubblewrap runs as.
    cwd: "/",
    uid: confinement === "dropped" ? ground.dropTo : null,
    inputFile: (unixSockets ? ground.filters?.withUnixSockets : ground.filters?.strict) ?? null,
    pipes: channel === null ? ground.pipes : null,
    channel,
    mark: null,
  };
}

/** The command as it is, for `sandbox: off`, or inside another confinement's `argv`. */
export function openRequest(
  ground: Ground,
  request: Launch,
  options: { readonly temp: string; readonly argv: readonly [string, ...string[]] | null },
): ProcessRequest {
  const name = "TASKDAEMON_COMMAND";
  const token = randomBytes(12).toString("hex");
  const home = homeOf(ground, request) ?? options.temp;
  const argv = options.argv ?? shellArguments(ground, request.command);
  return {
    ...common(ground, request, { home, temp: options.temp, more: { [name]: token } }),
    argv,
    cwd: request.cwd,
    uid: ground.dropTo,
    inputFile: null,
    // What hides from us may go on writing: not into the next command's output.
    pipes: null,
    channel: request.channel,
    mark: `${name}=${token}`,
  };
}

/**
 * The loop's, unless the request has another; then the loop's is hidden from it. Null is its
 * private directory: who has more than the loop's commands must not start what those left there.
 */
export function homeOf(ground: Ground, { loop, env, channel }: Launch): string | null {
  const { HOME } = env;
  return channel === null ? (HOME ?? ground.scratch.home(loop)) : null;
}

/** Everybody may enter it, and every directory above it. */
function isOpen(path: string): boolean {
  if ((statSync(path).mode & 0o001) === 0) return false;
  return path === "/" || isOpen(dirname(path));
}

function common(
  ground: Ground,
  request: Launch,
  places: {
    readonly home: string;
    readonly temp: string;
    readonly more: Readonly<Record<string, string>>;
  },
): Pick<ProcessRequest, "env" | "timeoutMs" | "outputBytesMax" | "limits"> {
  const { settings, timeoutMs, outputBytesMax } = request;
  return {
    env: commandEnvironment(ground.options.env, {
      home: places.home,
      temp: places.temp,
      user: ground.userName,
      added: [ground.toolchains.env, request.env, places.more, { HOME: places.home }],
    }),
    timeoutMs,
    outputBytesMax,
    limits: {
      memoryBytesMax: settings.memoryBytesMax,
      processesMax: settings.processesMax + wrapperProcesses,
    },
  };
}
