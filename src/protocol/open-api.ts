import * as schemas from "./schemas.ts";

type Method = "get" | "post";

interface Route {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly body?: schemas.BodySchema<unknown>;
}

const routes: readonly Route[] = [
  { method: "get", path: "/v1/ping", summary: "Is it there, and which version" },
  { method: "get", path: "/v1/status", summary: "The daemon's state" },
  { method: "get", path: "/v1/alerts", summary: "What is not as it should be, and the remedy" },
  { method: "post", path: "/v1/notify/test", summary: "Sends one notification by each channel" },
  { method: "get", path: "/v1/queue", summary: "What runs, what waits, and why" },
  { method: "get", path: "/v1/metrics", summary: "Counters and histograms" },
  { method: "get", path: "/metrics", summary: "The same, as Prometheus reads it" },
  { method: "get", path: "/v1/history", summary: "The last day, for charts" },
  { method: "get", path: "/v1/config", summary: "What is configured, and where it comes from" },
  {
    method: "post",
    path: "/v1/dashboard",
    summary: "Opens the dashboard's door",
    body: schemas.dashboard,
  },
  { method: "get", path: "/v1/loops", summary: "All loops, or those that match" },
  {
    method: "post",
    path: "/v1/loops",
    summary: "Creates loops, all or none",
    body: schemas.runRequests,
  },
  { method: "post", path: "/v1/plan", summary: "What a run would do", body: schemas.runRequest },
  { method: "get", path: "/v1/loops/{id}", summary: "One loop" },
  { method: "get", path: "/v1/loops/{id}/why", summary: "Why it is where it is" },
  { method: "get", path: "/v1/loops/{id}/diff", summary: "What it changed" },
  { method: "get", path: "/v1/loops/{id}/report", summary: "The evidence, for who reviews it" },
  {
    method: "get",
    path: "/v1/loops/{id}/report.html",
    summary: "The same as a page of its own, not JSON",
  },
  { method: "get", path: "/v1/loops/{id}/iterations", summary: "Iterations with a record" },
  {
    method: "get",
    path: "/v1/loops/{id}/iterations/{iteration}",
    summary: "One iteration's record",
  },
  { method: "post", path: "/v1/loops/{id}/pause", summary: "Pauses it" },
  { method: "post", path: "/v1/loops/{id}/resume", summary: "Lets it go on", body: schemas.raise },
  { method: "post", path: "/v1/loops/{id}/stop", summary: "Stops it and its children" },
  {
    method: "post",
    path: "/v1/loops/{id}/answer",
    summary: "Answers its question",
    body: schemas.answer,
  },
  {
    method: "post",
    path: "/v1/loops/{id}/rollback",
    summary: "Back to a checkpoint",
    body: schemas.rollback,
  },
  { method: "get", path: "/v1/loops/{id}/draft", summary: "What it has written" },
  {
    method: "post",
    path: "/v1/loops/{id}/amend",
    summary: "Approves, rejects, drops, edits, adds or merges",
    body: schemas.amendment,
  },
  {
    method: "post",
    path: "/v1/loops/{id}/feedback",
    summary: "Remarks on its work, to whom it concerns",
    body: schemas.feedback,
  },
  {
    method: "get",
    path: "/v1/events",
    summary: "Durable events from a number on, a page at a time",
  },
  { method: "get", path: "/v1/digest", summary: "What happened since a time" },
  {
    method: "post",
    path: "/v1/chat",
    summary: "Asks a model about a repository; the answer is a stream of JSON lines",
    body: schemas.chat,
  },
  { method: "get", path: "/v1/chats", summary: "Conversations about a repository" },
  { method: "get", path: "/v1/chats/{chat}", summary: "One conversation" },
  {
    method: "post",
    path: "/v1/chats/{chat}/plan",
    summary: "Has a plan made of it",
    body: schemas.chatPlan,
  },
  { method: "get", path: "/v1/questions", summary: "Loops that wait for a person" },
  { method: "post", path: "/v1/messages", summary: "Sends a message", body: schemas.send },
  { method: "get", path: "/v1/messages/{message}", summary: "A message, once it is settled" },
  { method: "get", path: "/v1/dead-letters", summary: "Messages that reached nobody" },
  {
    method: "post",
    path: "/v1/dead-letters/{message}/requeue",
    summary: "Into its mailbox again",
  },
  { method: "post", path: "/v1/dead-letters/{message}/drop", summary: "Forgets it" },
  { method: "get", path: "/v1/feed", summary: "WebSocket: durable and live events" },
  { method: "get", path: "/v1/board", summary: "WebSocket: rows for screens, and what changes" },
  {
    method: "post",
    path: "/v1/shutdown",
    summary: "Drains and ends the daemon",
    body: schemas.shutdown,
  },
];

/** The API as an OpenAPI 3.1 document, from the very schemas that check requests. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  }
  return { openapi: "3.1.0", info: { title: "TaskDaemon", version }, paths };
}

function operation({ path, summary, body }: Route): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const parameters = names.map((name) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const answers = { responses: { default: { description: "JSON; errors are {error, exitCode}" } } };
  if (body === undefined) return { summary, parameters, ...answers };
  const schema = schemas.jsonSchemaOf(body);
  const requestBody = { required: true, content: { "application/json": { schema } } };
  return { summary, parameters, requestBody, ...answers };
}
