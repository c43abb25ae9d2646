import {
  allToolsOf,
  type LentTools,
  type ServerAnswer,
  serverOf,
  ToolServerFailed,
  type ToolServers,
  type ToolServersRequest,
} from "../src/ports/tool-servers.ts";

type SimTool = (input: Readonly<Record<string, unknown>>) => ServerAnswer;
/** By server, by tool; null for a server that does not start. */
export type SimServers = Readonly<Record<string, Readonly<Record<string, SimTool>> | null>>;

/** Servers that are no processes. */
export class SimToolServers implements ToolServers {
  readonly #servers: SimServers;
  /** Servers that are in use, by loop. */
  readonly alive: string[] = [];
  readonly requests: ToolServersRequest[] = [];

  constructor(servers: SimServers) {
    this.#servers = servers;
  }

  async lend<T>(
    request: ToolServersRequest,
    signal: AbortSignal,
    body: (lent: LentTools) => Promise<T>,
  ): Promise<T> {
    const tools = request.names.flatMap((name) => this.#toolsOf(name));
    if (tools.length === 0) return body({ tools, notes: [] });
    signal.throwIfAborted();
    this.requests.push(request);
    this.alive.push(request.loop);
    try {
      return await body({ tools, notes: [] });
    } finally {
      this.alive.splice(this.alive.indexOf(request.loop), 1);
    }
  }

  #toolsOf(wanted: string): LentTools["tools"] {
    const server = serverOf(wanted);
    if (server === null) return [];
    const tools = this.#servers[server];
    if (tools === undefined) throw new ToolServerFailed(`there is no MCP server ${server}`);
    if (tools === null)
      throw new ToolServerFailed(`the MCP server ${server} did not start: it is broken`);
    const all = Object.entries(tools).map(([tool, run]) => ({
      name: `${allToolsOf(server)}_${tool}`,
      description: `(${server}) ${tool}`,
      inputSchema: { type: "object", properties: {} },
      call: async (input: Readonly<Record<string, unknown>>, signal: AbortSignal) => {
        signal.throwIfAborted();
        return run(input);
      },
    }));
    if (wanted === allToolsOf(server)) return all;
    const one = all.filter(({ name }) => name === wanted);
    if (one.length > 0) return one;
    throw new ToolServerFailed(`the MCP server ${server} has no tool ${wanted}`);
  }
}
