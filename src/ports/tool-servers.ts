/** Tools of programs that the user names: one more page of the outside world. */
import type { LoopId, Millis, SandboxSettings } from "../core/loop.ts";
import type { Workspace } from "../ports.ts";
import type { ToolSpec } from "./llm.ts";

const toolPrefix = "mcp_";

/** So many servers may the tools of one loop type come from. */
export const serversOfTypeMax = 8;

/** `mcp_NAME`: all tools of a server, as a loop type names them. */
export function allToolsOf(server: string): string {
  return `${toolPrefix}${server}`;
}

/** The server of `mcp_NAME` and `mcp_NAME_TOOL`; null for a name that is no server's. */
export function serverOf(tool: string): string | null {
  if (!tool.startsWith(toolPrefix)) return null;
  return tool.slice(toolPrefix.length).split("_", 1)[0] ?? null;
}

export interface ServerAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** What a server says of itself is a stranger's text: bounded, clean, and not to be believed. */
export interface ServerTool extends ToolSpec {
  /** Bounded in time. Rejects with ToolRefusal when the server does not do its part. */
  call(input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ServerAnswer>;
}

export interface LentTools {
  /** Named `mcp_NAME_TOOL`, each name once. */
  readonly tools: readonly ServerTool[];
  /** What a person should know: tools that were left out, and why. */
  readonly notes: readonly string[];
}

export interface ToolServersRequest extends Pick<Workspace, "writable" | "readable" | "env"> {
  readonly loop: LoopId;
  /** Tools as the loop type names them; those of no server are nobody's here. */
  readonly names: readonly string[];
  readonly cwd: string;
  /** A server gets its own hosts besides these. */
  readonly sandbox: SandboxSettings;
  readonly timeoutMs: Millis;
}

/** Servers run as the loop's commands do, confined like those, and only while somebody uses them. */
export interface ToolServers {
  /**
   * Starts what is needed for the named tools, lends these to `body`, and ends it whatever
   * happens: when it settles no process of a server is alive. Rejects with ToolServerFailed,
   * SandboxUnavailable, the signal's reason, or as `body` does.
   */
  lend<T>(
    request: ToolServersRequest,
    signal: AbortSignal,
    body: (lent: LentTools) => Promise<T>,
  ): Promise<T>;
}

/** A server did not start, or has not what a loop type wants of it; the message has the remedy. */
export class ToolServerFailed extends Error {}
