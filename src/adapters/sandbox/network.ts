import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { chownSync } from "node:fs";
import ownProcess from "node:process";
import { SandboxManager } from "@anthropic-ai/sandbox-runtime";
import { assert } from "../../core/assert.ts";
import { SandboxUnavailable } from "../../ports.ts";

/** A command's way to the hosts on its list, and to nothing else. */
export interface NetworkPass {
  readonly socketPath: string;
  readonly env: Readonly<Record<string, string>>;
  close(): void;
}

export interface SeatbeltRequest {
  readonly command: string;
  readonly shell: string;
  readonly hosts: readonly string[];
  readonly unixSockets: boolean;
  readonly hidden: readonly string[];
  readonly readable: readonly string[];
  readonly writable: readonly string[];
}

/** Where the relay inside the sandbox listens; programs are sent there by their environment. */
export const relayPort = 3128;

type Denied = (host: string) => Promise<void>;

/**
 * The one place that knows sandbox-runtime: its filtering proxy (Linux) or its whole sandbox
 * (macOS). The library is a singleton of the process, so all sandboxes share it, and lists of hosts
 * are registered per command, under ids that nobody can guess.
 */
export class AllowlistProxy {
  readonly #uid: number | null;
  readonly #denied: Denied;

  /** `denied` hears of hosts that a command asked for in vain, if no other sandbox's does. */
  constructor(uid: number | null, denied: Denied) {
    this.#uid = uid;
    // A function of its own: it stands for this sandbox among the users.
    this.#denied = (host) => denied(host);
  }

  async open(hosts: readonly string[]): Promise<NetworkPass> {
    await join(this.#denied, this.#uid);
    const socketPath = SandboxManager.getLinuxHttpSocketPath();
    const token = SandboxManager.getProxyAuthToken();
    // Not started, it would let everything through.
    assert(SandboxManager.isSandboxingEnabled(), "the proxy runs before a command is wrapped");
    assert(socketPath !== undefined && token !== undefined, "a started proxy has a socket");
    const id = randomBytes(24).toString("base64url");
    register(id, hosts);
    const user = encodeURIComponent(`srt.${Buffer.from(id).toString("base64")}`);
    return {
      socketPath,
      env: proxyEnvironment(`http://${user}:${token}@127.0.0.1:${relayPort}`),
      close: () => SandboxManager.unregisterCommandNetworkLists(id),
    };
  }

  /** macOS: the command line that runs the command under Seatbelt. */
  async wrap(
    request: SeatbeltRequest,
  ): Promise<{ readonly argv: readonly [string, ...string[]]; readonly close: () => void }> {
    await join(this.#denied, this.#uid);
    assert(SandboxManager.isSandboxingEnabled(), "initialised before a command is wrapped");
    const id = randomBytes(24).toString("base64url");
    register(id, request.hosts);
    const { hidden, readable, writable, unixSockets } = request;
    // The environment that comes with it is the daemon's own, keys included: never passed on.
    const { argv } = await SandboxManager.wrapWithSandboxArgv(
      request.command,
      request.shell,
      {
        network: { allowedDomains: [], deniedDomains: [], allowAllUnixSockets: unixSockets },
        filesystem: {
          denyRead: [...hidden],
          allowRead: [...readable, ...writable],
          allowWrite: [...writable],
          denyWrite: [],
        },
      },
      undefined,
      undefined,
      { commandId: id },
    );
    const [program, ...args] = argv;
    assert(program !== undefined, "a wrapped command has a program");
    return {
      argv: [program, ...args],
      close: () => SandboxManager.unregisterCommandNetworkLists(id),
    };
  }

  async close(): Promise<void> {
    await leave(this.#denied);
  }
}

/** Facts of the whole process, as the library is: the proxy runs while any sandbox uses it. */
const users = new Set<Denied>();
let started: Promise<void> | null = null;
let ended: Promise<void> = Promise.resolve();

function join(user: Denied, uid: number | null): Promise<void> {
  users.add(user);
  started ??= startProxy(uid).catch((cause) => {
    started = null;
    throw new SandboxUnavailable(
      `the network proxy does not start (${String(cause)}): are socat and ripgrep installed?`,
      { cause },
    );
  });
  return started;
}

/** The last one ends it; who comes meanwhile begins after that. */
async function leave(user: Denied): Promise<void> {
  users.delete(user);
  if (users.size > 0 || started === null) return;
  const last = started;
  started = null;
  ended = Promise.allSettled([last]).then(() => SandboxManager.reset());
  await ended;
}

const drainSignals = ["SIGINT", "SIGTERM"] as const;

async function startProxy(uid: number | null): Promise<void> {
  await Promise.allSettled([ended]);
  const policy = {
    network: { allowedDomains: [], deniedDomains: [] },
    filesystem: { denyRead: [], allowWrite: [], denyWrite: [] },
  };
  const before = drainSignals.map((signal) => ownProcess.listeners(signal));
  // Asked about what is on no list: the answer is no, as it is without anybody to ask.
  await SandboxManager.initialize(policy, async ({ host, port }) => {
    const [denied] = users;
    await denied?.(port === undefined ? host : `${host}:${port}`);
    return false;
  });
  // The library would end the proxy at a signal by which a daemon only begins to drain.
  for (const [at, signal] of drainSignals.entries()) {
    const own = ownProcess.listeners(signal).filter((each) => !before[at]?.includes(each));
    for (const listener of own) ownProcess.off(signal, listener);
  }
  await SandboxManager.waitForNetworkInitialization();
  const socketPath = SandboxManager.getLinuxHttpSocketPath();
  if (uid !== null && socketPath !== undefined) chownSync(socketPath, uid, uid);
}

function register(id: string, hosts: readonly string[]): void {
  try {
    SandboxManager.registerCommandNetworkLists(id, { allowedDomains: [...hosts] });
  } catch (cause) {
    throw new SandboxUnavailable(`network.allow holds what is no host name: ${hosts.join(", ")}`, {
      cause,
    });
  }
}

function proxyEnvironment(url: string): Record<string, string> {
  const local = "localhost,127.0.0.1,::1";
  const env: Record<string, string> = {
    NO_PROXY: local,
    no_proxy: local,
    NODE_USE_ENV_PROXY: "1",
    // git sends the credential unasked, so that no credential program is started.
    GIT_CONFIG_PARAMETERS: "'http.proxyAuthMethod=basic'",
  };
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
    env[name] = url;
    env[name.toLowerCase()] = url;
  }
  return env;
}
