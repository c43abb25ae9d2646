import { type ServerAnswer, ToolServerFailed } from "../../ports/tool-servers.ts";
import type { CommandResult } from "../../ports.ts";
import { ToolRefusal } from "../../ports.ts";
import { oneLine } from "../config/problem.ts";
import type { Served } from "../sandbox/sandbox.ts";
import { answerOf } from "./answer.ts";
import { clean, isObject } from "./specs.ts";
import { NoAnswer, RemoteError, Wire, WireBroken } from "./wire.ts";

/** The newest revision that begins with a handshake. */
const handshakeVersion = "2025-11-25";
/** Of those that have none: each request says what it is. */
const statelessVersion = "2026-07-28";
const clientInfo = { name: "taskdaemon", version: "1" };
/** Some are fetched and unpacked before they say a word. */
const startMsMax = 60_000;
const pagesMax = 32;
const listedMax = 2_000;
/** After so much of a list nobody asks for more of it. */
const listBytesMax = 8 * 1024 * 1024;
/** So many calls in a row may stay without an answer. */
const silentMax = 2;
const lastLines = 5;
const lastCharsMax = 600;

export interface ServerStart {
  readonly name: string;
  readonly timeoutMs: number;
  readonly serve: (signal: AbortSignal) => Promise<Served>;
}

/** One program that speaks MCP: from its start until `close`, after which nothing of it is alive. */
export class McpServer {
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #halt: AbortController;
  readonly #wire: Wire;
  readonly #ended: Promise<CommandResult>;
  #meta: object = {};
  #silent = 0;

  private constructor({ name, timeoutMs }: ServerStart, halt: AbortController, served: Served) {
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    this.#halt = halt;
    this.#wire = new Wire(served);
    this.#ended = served.ended;
    void this.#ended.then(
      (end) => this.#wire.break(endingOf(end)),
      (error: Error) => this.#wire.break(error.message),
    );
  }

  /** Rejects with ToolServerFailed, SandboxUnavailable, or the signal's reason. */
  static async start(start: ServerStart, signal: AbortSignal): Promise<McpServer> {
    const halt = new AbortController();
    const either = AbortSignal.any([signal, halt.signal]);
    const server = new McpServer(start, halt, await start.serve(either));
    return server.#orFailed(signal, async () => {
      await server.#greet(signal);
      return server;
    });
  }

  /** All that it says it has, unread. Rejects as `start` does. */
  list(signal: AbortSignal): Promise<readonly unknown[]> {
    return this.#orFailed(signal, async () => {
      const listed: unknown[] = [];
      let cursor: unknown = null;
      for (let page = 0; page < pagesMax && listed.length < listedMax; page += 1) {
        const params = typeof cursor === "string" ? { cursor } : {};
        const result = await this.#request("tools/list", params, startMsMax, signal);
        if (!isObject(result) || !Array.isArray(result["tools"])) {
          throw new RemoteError("its list of tools is none");
        }
        listed.push(...result["tools"].slice(0, listedMax - listed.length));
        cursor = result["nextCursor"];
        if (typeof cursor !== "string" || this.#wire.heardBytes > listBytesMax) break;
      }
      return listed;
    });
  }

  async call(
    tool: string,
    input: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<ServerAnswer> {
    try {
      const params = { name: tool, arguments: input };
      const result = await this.#request("tools/call", params, this.#timeoutMs, signal);
      this.#silent = 0;
      return answerOf(result);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RemoteError) return { text: error.message, isError: true };
      if (error instanceof NoAnswer) throw await this.#unanswered(error.message);
      if (error instanceof WireBroken) throw await this.#gone(error.message);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#halt.abort();
    await this.#ended.catch(() => null);
  }

  async #greet(signal: AbortSignal): Promise<void> {
    const asked = { protocolVersion: handshakeVersion, capabilities: {}, clientInfo };
    try {
      await this.#request("initialize", asked, startMsMax, signal);
      this.#wire.notify("notifications/initialized");
    } catch (error) {
      // It knows no handshake, or not ours; if it speaks neither, its list will say so.
      if (!(error instanceof RemoteError)) throw error;
      const prefix = "io.modelcontextprotocol/";
      this.#meta = {
        _meta: {
          [`${prefix}protocolVersion`]: statelessVersion,
          [`${prefix}clientInfo`]: clientInfo,
          [`${prefix}clientCapabilities`]: {},
        },
      };
    }
  }

  #request(method: string, params: object, timeoutMs: number, signal: AbortSignal) {
    return this.#wire.request(method, { ...params, ...this.#meta }, { timeoutMs, signal });
  }

  async #unanswered(why: string): Promise<ToolRefusal> {
    this.#silent += 1;
    if (this.#silent < silentMax) {
      return new ToolRefusal(`the MCP server ${this.#name} gave ${why}; the call was cancelled`);
    }
    const reason = `it gave ${why}, ${silentMax} times in a row`;
    this.#wire.break(reason);
    return this.#gone(reason);
  }

  /** A connection that broke is no use any more: the server ends, and says what it had to say. */
  async #gone(reason: string): Promise<ToolRefusal> {
    this.#halt.abort();
    const end = await this.#ended.catch(() => null);
    const why = end === null ? reason : withLastWords(reason, end);
    return new ToolRefusal(
      `the MCP server ${this.#name} is gone for this iteration: ${why}. Go on without its tools.`,
    );
  }

  async #orFailed<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      this.#halt.abort();
      // Rejects with SandboxUnavailable, which is the reason then.
      const end = await this.#ended;
      signal.throwIfAborted();
      if (!isProtocols(error)) throw error;
      const why = withLastWords(oneLine(error.message, lastCharsMax), end);
      throw new ToolServerFailed(
        `the MCP server ${this.#name} did not start: ${why}; mend mcp.servers.${this.#name} in taskdaemon.yml`,
      );
    }
  }
}

function isProtocols(error: unknown): error is Error {
  return error instanceof RemoteError || error instanceof NoAnswer || error instanceof WireBroken;
}

function endingOf({ ended, exitCode }: CommandResult): string {
  switch (ended) {
    case "exited":
      return `it ended with exit code ${exitCode ?? "unknown"}`;
    case "memory":
      return "it used more memory than the sandbox allows";
    case "processes":
      return "it started more processes than the sandbox allows";
    case "timedOut":
      return "its time was up";
    case "aborted":
      return "it was ended";
  }
}

function withLastWords(reason: string, { stderr }: CommandResult): string {
  const lines = clean(stderr, stderr.length).trim().split("\n").slice(-lastLines);
  const words = lines.join("\n").slice(-lastCharsMax);
  return words === "" ? reason : `${reason}; the last it wrote: ${words}`;
}
