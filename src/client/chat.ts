import type { ChatLive } from "../ports/chat.ts";
import { refusalOf } from "../protocol/answers.ts";
import type { ChatDoor, ChatHeadView, ChatLine, ChatRequest, ChatView } from "../protocol/chat.ts";
import { type ExitCode, exitCodes, UserError } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { request as httpRequest } from "./http.ts";

interface Wire {
  readonly socket: string;
  readonly get: (path: string) => Promise<unknown>;
  readonly post: (path: string, body?: unknown) => Promise<unknown>;
}

/** A line of the daemon is no longer than a reply with all its text at once. */
const lineCharsMax = 4 * 1024 * 1024;

/** Talks with a model over the daemon's socket. */
export function remoteChat({ socket, get, post }: Wire): ChatDoor {
  return {
    chats: async (dir) =>
      (await get(`/v1/chats?${new URLSearchParams({ dir })}`)) as ChatHeadView[],
    conversation: async (id) => (await get(pathOf(id))) as ChatView,
    planOfChat: async (id, words) => (await post(`${pathOf(id)}/plan`, { words })) as LoopView,
    chat: (request, hear, signal) => chat(socket, request, hear, signal),
  };
}

function pathOf(id: string): string {
  return `/v1/chats/${encodeURIComponent(id)}`;
}

function chat(
  socketPath: string,
  asked: ChatRequest,
  hear: (event: ChatLive) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const options = { socketPath, method: "POST", path: "/v1/chat", headers, agent: false, signal };
    const request = httpRequest(options);
    request.on("error", (error) => {
      if (signal.aborted) resolve();
      else reject(gone(error));
    });
    request.on("response", (response) => {
      const isFine = (response.statusCode ?? 500) < 400;
      const lines = new Lines(isFine ? hear : () => undefined);
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        try {
          lines.take(text, isFine);
        } catch (error) {
          request.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      });
      response.on("error", (error) => (signal.aborted ? resolve() : reject(gone(error))));
      response.on("end", () => {
        if (!isFine) reject(refusedBy(lines.rest));
        else if (lines.failure !== null) reject(lines.failure);
        else if (lines.isEnded || signal.aborted) resolve();
        else reject(gone(new Error("the answer broke off")));
      });
    });
    request.end(JSON.stringify(asked));
  });
}

/** JSON lines from pieces of text. */
class Lines {
  readonly #hear: (event: ChatLive) => void;
  rest = "";
  isEnded = false;
  failure: UserError | null = null;

  constructor(hear: (event: ChatLive) => void) {
    this.#hear = hear;
  }

  take(text: string, isFine: boolean): void {
    this.rest += text;
    if (this.rest.length > lineCharsMax) throw new Error("a line of the answer is too long");
    if (!isFine) return;
    const lines = this.rest.split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.#line(JSON.parse(line) as ChatLine);
  }

  #line(line: ChatLine): void {
    if (line.type === "error") {
      this.failure = new UserError(line.exitCode as ExitCode, line.error);
      return;
    }
    this.isEnded ||= line.type === "ended";
    this.#hear(line);
  }
}

function refusedBy(text: string): UserError {
  const refusal = refusalOf(jsonOf(text));
  return refusal ?? new UserError(exitCodes.daemon, `the daemon answered: ${text}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // told as it is
  }
}

function gone(error: Error): UserError {
  const message = `the daemon does not answer (${error.message}): td status, td start`;
  return new UserError(exitCodes.daemon, message, { cause: error });
}
