import type { Hono } from "hono";
import type { Answering, ChatLine } from "../protocol/chat.ts";
import type { Desk } from "../protocol/desk.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import * as schemas from "../protocol/schemas.ts";
import { bodyOf, parsed } from "./parsing.ts";

/** Of an answer that its reader does not read; then it is stopped. */
const unreadBytesMax = 4 * 1024 * 1024;

interface Reporting {
  readonly asUserError: (error: unknown) => unknown;
  readonly report: (error: unknown) => void;
}

/** A person's talk with a model. The answer is a stream of JSON lines; who leaves stops it. */
export function addChat(app: Hono, desk: Desk, reporting: Reporting): void {
  app.post("/v1/chat", async (context) => {
    const answering = await desk.chat(await bodyOf(context, schemas.chat));
    const headers = { "content-type": "application/x-ndjson", "cache-control": "no-store" };
    return new Response(linesOf(answering, reporting), { headers });
  });
  app.get("/v1/chats", async (context) => {
    const { dir } = parsed(schemas.chatsQuery, context.req.query(), "the query");
    return context.json(await desk.chats(dir));
  });
  app.get("/v1/chats/:chat", async (context) =>
    context.json(await desk.conversation(chatOf(context.req.param("chat")))),
  );
  app.post("/v1/chats/:chat/plan", async (context) => {
    const { words } = await bodyOf(context, schemas.chatPlan);
    return context.json(await desk.planOfChat(chatOf(context.req.param("chat")), words), 201);
  });
}

function chatOf(name: string): string {
  return parsed(schemas.chatId, name, "the path");
}

function linesOf(answering: Answering, reporting: Reporting): ReadableStream<Uint8Array> {
  const left = new AbortController();
  const encoder = new TextEncoder();
  const strategy: QueuingStrategy<Uint8Array> = {
    highWaterMark: unreadBytesMax,
    size: (bytes) => bytes?.byteLength ?? 0,
  };
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const tell = (line: ChatLine) => {
          if (left.signal.aborted) return;
          controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
          if ((controller.desiredSize ?? 0) > 0) return;
          left.abort("nobody reads the answer");
          controller.error(new Error("nobody reads the answer"));
        };
        void answering(tell, left.signal)
          .catch((error: unknown) => tell(errorLine(error, reporting)))
          .finally(() => {
            if (!left.signal.aborted) controller.close();
          });
      },
      cancel: () => left.abort("the reader left"),
    },
    strategy,
  );
}

function errorLine(error: unknown, { asUserError, report }: Reporting): ChatLine {
  const known = asUserError(error);
  if (known instanceof UserError) {
    return { type: "error", error: known.message, exitCode: known.exitCode };
  }
  report(error);
  const bug = "a bug in TaskDaemon: the daemon's log has the details";
  return { type: "error", error: bug, exitCode: exitCodes.bug };
}
