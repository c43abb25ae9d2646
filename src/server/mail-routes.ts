import type { Context, Hono } from "hono";
import type { Desk } from "../protocol/desk.ts";
import * as schemas from "../protocol/schemas.ts";
import { bodyOf, parsed } from "./parsing.ts";

/** Messages, dead letters and the inbox of questions. */
export function addMail(app: Hono, desk: Desk): void {
  app.get("/v1/questions", async (context) => context.json(await desk.questions()));
  app.get("/v1/dead-letters", async (context) => context.json(await desk.deadLetters()));
  app.post("/v1/dead-letters/:message/requeue", async (context) =>
    context.json(await desk.requeue(messageOf(context))),
  );
  app.post("/v1/dead-letters/:message/drop", async (context) => {
    await desk.drop(messageOf(context));
    return context.json({ ok: true });
  });
  app.post("/v1/messages", async (context) =>
    context.json(await desk.send(await bodyOf(context, schemas.send)), 201),
  );
  app.get("/v1/messages/:message", async (context) => {
    const { waitMs } = parsed(schemas.messageQuery, context.req.query(), "the query");
    return context.json(await desk.message(messageOf(context), waitMs));
  });
}

function messageOf(context: Context): string {
  return parsed(schemas.messageId, context.req.param("message"), "the path");
}
