import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Desk } from "../protocol/desk.ts";
import { type ExitCode, exitCodes, UserError } from "../protocol/errors.ts";
import { openApi } from "../protocol/open-api.ts";
import * as schemas from "../protocol/schemas.ts";
import { addChat } from "./chat-routes.ts";
import { addMail } from "./mail-routes.ts";
import { bodyOf, idOf, parsed } from "./parsing.ts";

export interface AppOptions {
  readonly version: string;
  readonly desk: Desk;
  /** The same error as a UserError where a person can mend it, itself otherwise. */
  readonly asUserError: (error: unknown) => unknown;
  /** A bug: written where the operator finds it. */
  readonly report: (error: unknown) => void;
}

const bodyBytesMax = 32 * 1024 * 1024;

/** The HTTP side of the daemon's door: JSON in, JSON out, every body checked by its schema. */
export function createApp(options: AppOptions): Hono {
  const { version, desk } = options;
  const app = new Hono();
  app.use(bodyLimit({ maxSize: bodyBytesMax, onError: tooLarge }));
  app.use(async (context, next) => {
    context.header("x-taskdaemon-version", version);
    await next();
  });
  app.onError((error, context) => answerError(error, context, options));
  app.notFound((context) =>
    context.json({ error: `there is no ${context.req.path}`, exitCode: exitCodes.notFound }, 404),
  );
  app.get("/v1/ping", (context) => context.json({ version }));
  app.get("/v1/status", async (context) => context.json(await desk.status()));
  app.get("/v1/alerts", async (context) => context.json(await desk.alerts()));
  app.post("/v1/notify/test", async (context) => context.json(await desk.testNotify()));
  app.get("/v1/queue", async (context) => context.json(await desk.queue()));
  app.get("/v1/metrics", async (context) => context.json(await desk.metrics()));
  app.get("/metrics", async (context) => {
    const { text, contentType } = await desk.metricsText();
    return context.body(text, 200, { "content-type": contentType });
  });
  app.get("/v1/history", async (context) => context.json(await desk.history()));
  app.get("/v1/openapi.json", (context) => context.json(openApi(version)));
  app.post("/v1/dashboard", async (context) => {
    const { port } = await bodyOf(context, schemas.dashboard);
    return context.json(await desk.dashboard(port));
  });
  app.post("/v1/shutdown", async (context) => {
    desk.shutdown(await bodyOf(context, schemas.shutdown));
    return context.json({ ok: true }, 202);
  });
  addReading(app, desk);
  addWriting(app, desk);
  addMail(app, desk);
  addChat(app, desk, options);
  return app;
}

function addReading(app: Hono, desk: Desk): void {
  app.get("/v1/loops", async (context) => {
    const { status, type, plan } = parsed(schemas.loopFilter, context.req.query(), "the query");
    const filter = { status: status ?? null, type: type ?? null, plan: plan ?? null };
    return context.json(await desk.loops(filter));
  });
  app.get("/v1/loops/:id", async (context) => context.json(await desk.loop(idOf(context))));
  app.get("/v1/loops/:id/why", async (context) => context.json(await desk.why(idOf(context))));
  app.get("/v1/loops/:id/draft", async (context) => context.json(await desk.draft(idOf(context))));
  app.get("/v1/loops/:id/diff", async (context) => context.text(await desk.diff(idOf(context))));
  app.get("/v1/loops/:id/report", async (context) =>
    context.json(await desk.report(idOf(context))),
  );
  app.get("/v1/loops/:id/report.html", async (context) => {
    const { html, policy } = await desk.reportPage(idOf(context));
    // It needs its one style, which the dashboard's own pages may not have.
    const header = `${policy}; frame-ancestors 'none'`;
    return context.html(html, 200, { "content-security-policy": header });
  });
  app.get("/v1/digest", async (context) => {
    const { since } = parsed(schemas.digestQuery, context.req.query(), "the query");
    return context.json(await desk.digest(since));
  });
  app.get("/v1/loops/:id/iterations", async (context) =>
    context.json(await desk.iterations(idOf(context))),
  );
  app.get("/v1/loops/:id/iterations/:iteration", async (context) => {
    const { to } = parsed(
      schemas.rollback,
      { to: Number(context.req.param("iteration")) },
      "the path",
    );
    return context.json(await desk.record(idOf(context), to));
  });
  app.get("/v1/config", async (context) => {
    const { dir } = parsed(schemas.configQuery, context.req.query(), "the query");
    return context.json(await desk.config(dir ?? null));
  });
  app.get("/v1/events", async (context) => {
    const { from } = parsed(schemas.feedQuery, context.req.query(), "the query");
    return context.json(await desk.events(from ?? 1));
  });
}

function addWriting(app: Hono, desk: Desk): void {
  app.post("/v1/plan", async (context) =>
    context.json(await desk.plan(await bodyOf(context, schemas.runRequest))),
  );
  app.post("/v1/loops", async (context) =>
    context.json(await desk.create(await bodyOf(context, schemas.runRequests)), 201),
  );
  app.post("/v1/loops/:id/pause", async (context) => context.json(await desk.pause(idOf(context))));
  app.post("/v1/loops/:id/stop", async (context) => context.json(await desk.stop(idOf(context))));
  app.post("/v1/loops/:id/resume", async (context) =>
    context.json(await desk.resume(idOf(context), await bodyOf(context, schemas.raise))),
  );
  app.post("/v1/loops/:id/answer", async (context) => {
    const { text } = await bodyOf(context, schemas.answer);
    return context.json(await desk.answer(idOf(context), text));
  });
  app.post("/v1/loops/:id/feedback", async (context) => {
    const { text } = await bodyOf(context, schemas.feedback);
    return context.json(await desk.feedback(idOf(context), text));
  });
  app.post("/v1/loops/:id/amend", async (context) =>
    context.json(await desk.amend(idOf(context), await bodyOf(context, schemas.amendment))),
  );
  app.post("/v1/loops/:id/rollback", async (context) => {
    const { to } = await bodyOf(context, schemas.rollback);
    return context.json(await desk.rollback(idOf(context), to));
  });
}

const statusOf: Readonly<Partial<Record<ExitCode, ContentfulStatusCode>>> = {
  [exitCodes.usage]: 400,
  [exitCodes.invalid]: 422,
  [exitCodes.person]: 409,
  [exitCodes.budget]: 402,
  [exitCodes.rejected]: 503,
  [exitCodes.notFound]: 404,
};

/** A UserError keeps its exit code over the wire; anything else is a bug and says no more. */
function answerError(
  error: Error,
  context: Context,
  { asUserError, report }: AppOptions,
): Response {
  const known = asUserError(error);
  if (known instanceof UserError) {
    const { message, exitCode, request } = known;
    const about = request === null ? {} : { request };
    return context.json({ error: message, exitCode, ...about }, statusOf[exitCode] ?? 500);
  }
  if (error instanceof HTTPException) {
    return context.json({ error: error.message, exitCode: exitCodes.usage }, error.status);
  }
  report(error);
  const message = "a bug in TaskDaemon: the daemon's log has the details";
  return context.json({ error: message, exitCode: exitCodes.bug }, 500);
}

function tooLarge(context: Context): Response {
  const error = `the body is larger than ${bodyBytesMax} bytes`;
  return context.json({ error, exitCode: exitCodes.invalid }, 413);
}
