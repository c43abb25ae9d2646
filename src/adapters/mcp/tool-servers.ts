import { setMaxListeners } from "node:events";
import type { Audit } from "../../ports/audit.ts";
import {
  allToolsOf,
  type LentTools,
  type ServerTool,
  serverOf,
  serversOfTypeMax,
  ToolServerFailed,
  type ToolServers,
  type ToolServersRequest,
} from "../../ports/tool-servers.ts";
import type { CommandRequest, Redact } from "../../ports.ts";
import { Bulkhead } from "../process/bulkhead.ts";
import type { Served } from "../sandbox/sandbox.ts";
import { McpServer } from "./server.ts";
import { offerOf } from "./specs.ts";

/** Conversations that have servers at once; more wait. A server may live as long as an iteration. */
const lendingMax = 64;
const stderrBytesMax = 16 * 1024;
const namesShownMax = 20;

/** A server as `taskdaemon.yml` has it. */
export interface ServerSettings {
  readonly command: string;
  readonly "network-allow": readonly string[];
  readonly env: readonly string[];
  readonly timeout: number;
}

export interface ToolServersOptions {
  readonly servers: () => Readonly<Record<string, ServerSettings>>;
  /** Takes no slot of other commands. */
  readonly serve: (request: CommandRequest, signal: AbortSignal) => Promise<Served>;
  readonly audit: Audit;
  /** The daemon's environment: of it a server gets what its settings name. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redact: Redact;
}

/** MCP servers over standard input and output, as commands of the loop. */
export function createToolServers(options: ToolServersOptions): ToolServers {
  const bulkhead = new Bulkhead(lendingMax);
  return {
    async lend<T>(
      request: ToolServersRequest,
      signal: AbortSignal,
      body: (lent: LentTools) => Promise<T>,
    ): Promise<T> {
      const wanted = wantedOf(request.names);
      if (wanted.size === 0) return body({ tools: [], notes: [] });
      const lent = await bulkhead.pass(signal, async () => ({
        value: await lendNow(options, request, { wanted, signal }, body),
      }));
      if (lent === null) throw signal.reason;
      return lent.value;
    },
  };
}

/** By server: names of single tools, or null for all that it has. */
type Wanted = ReadonlyMap<string, ReadonlySet<string> | null>;

function wantedOf(names: readonly string[]): Wanted {
  const wanted = new Map<string, Set<string> | null>();
  for (const name of names) {
    const server = serverOf(name);
    if (server === null) continue;
    const before = wanted.get(server);
    if (name === allToolsOf(server) || before === null) wanted.set(server, null);
    else wanted.set(server, new Set([...(before ?? []), name]));
  }
  return wanted;
}

async function lendNow<T>(
  options: ToolServersOptions,
  request: ToolServersRequest,
  { wanted, signal }: { readonly wanted: Wanted; readonly signal: AbortSignal },
  body: (lent: LentTools) => Promise<T>,
): Promise<T> {
  if (wanted.size > serversOfTypeMax) {
    throw new ToolServerFailed(`a loop has tools of at most ${serversOfTypeMax} MCP servers`);
  }
  const { redact } = options;
  // The first that fails ends the start of the others; then all of them have to be gone.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  setMaxListeners(0, either);
  const running: McpServer[] = [];
  const starts = [...wanted].map(async ([name, only]) => {
    const server = await start(options, request, name, either);
    running.push(server);
    return offered(server, name, { only, redact }, either);
  });
  try {
    for (const each of starts) each.catch(() => failed.abort());
    const settled = await Promise.allSettled(starts);
    signal.throwIfAborted();
    const offers = settled.map((each) => (each.status === "fulfilled" ? each.value : null));
    const reasons = settled.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    const [first] = reasons.filter((reason) => reason !== failed.signal.reason);
    if (first instanceof ToolServerFailed) throw new ToolServerFailed(redact(first.message));
    if (reasons.length > 0) throw first ?? reasons[0];
    const lent = offers.flatMap((offer) => (offer === null ? [] : [offer]));
    const tools = lent.flatMap((offer) => offer.tools);
    return await body({ tools, notes: lent.flatMap(({ notes }) => notes) });
  } finally {
    await Promise.all(running.map((server) => server.close()));
  }
}

async function start(
  { servers, serve, audit, env }: ToolServersOptions,
  request: ToolServersRequest,
  name: string,
  signal: AbortSignal,
): Promise<McpServer> {
  const all = servers();
  const settings = Object.hasOwn(all, name) ? all[name] : undefined;
  if (settings === undefined) {
    throw new ToolServerFailed(
      `there is no MCP server ${name}: mcp.servers in taskdaemon.yml names them`,
    );
  }
  const { command, timeout } = settings;
  const { sandbox, loop, names: _, ...rest } = request;
  const networkAllow = [...new Set([...sandbox.networkAllow, ...settings["network-allow"]])];
  const launch: CommandRequest = {
    ...rest,
    ...{ loop, command, settings: { ...sandbox, networkAllow } },
    env: { ...request.env, ...passedOn(name, settings, env) },
    ...{ unixSockets: false, outputBytesMax: stderrBytesMax },
  };
  const serveNow = async (either: AbortSignal) => {
    const { level } = sandbox;
    const act = { type: "command", loop, purpose: "tool", command } as const;
    await audit.record({ ...act, sandbox: level, network: networkAllow });
    return serve(launch, either);
  };
  return McpServer.start({ name, timeoutMs: timeout, serve: serveNow }, signal);
}

function passedOn(
  server: string,
  settings: ServerSettings,
  env: ToolServersOptions["env"],
): Readonly<Record<string, string>> {
  const passed: Record<string, string> = {};
  for (const name of settings.env) {
    const value = env[name];
    if (value === undefined) {
      throw new ToolServerFailed(
        `the MCP server ${server} needs ${name}, which the daemon's environment does not have: set it and restart the daemon (td stop, td start)`,
      );
    }
    passed[name] = value;
  }
  return passed;
}

async function offered(
  server: McpServer,
  name: string,
  how: Parameters<typeof offerOf>[2],
  signal: AbortSignal,
): Promise<LentTools> {
  const { tools, notes, missing, names } = offerOf(name, await server.list(signal), how);
  if (missing.length > 0) {
    const has = names.slice(0, namesShownMax).join(", ") || "none";
    throw new ToolServerFailed(
      `the MCP server ${name} has no tool ${missing.join(", ")}: it has ${has}; mend \`tools\` of the loop type`,
    );
  }
  const lent = tools.map(({ original, ...spec }): ServerTool => {
    return { ...spec, call: (input, by) => server.call(original, input, by) };
  });
  return { tools: lent, notes };
}

/** Values that servers are given: they may be secrets, and a server may say what it knows. */
export function valuesOfServers(
  servers: Readonly<Record<string, Pick<ServerSettings, "env">>>,
  env: ToolServersOptions["env"],
): readonly string[] {
  return Object.values(servers).flatMap((each) => each.env.flatMap((name) => env[name] ?? []));
}
