import type { IncomingMessage, ServerResponse } from "node:http";
import { anthropic } from "./anthropic.ts";
import { chat } from "./chat.ts";
import type { ModelEndpoint, Route } from "./model-endpoint.ts";
import { authOf, header } from "./reception.ts";
import { responses } from "./responses.ts";
import type { Protocol } from "./wire.ts";

/** Takes one HTTP request to what answers it; whatever goes wrong ends in the response. */
export function receive(
  endpoint: ModelEndpoint,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = (request.url ?? "/").replace(/\?.*$/s, "");
  const route = request.method === "POST" ? routeOf(path) : null;
  if (route === null) {
    request.resume();
    answerAside(endpoint, path, request, response);
    return;
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  endpoint.answer(route, request, response, gone.signal).catch((error: unknown) => {
    if (gone.signal.aborted || response.headersSent) response.destroy();
    else sendJson(response, 500, route.protocol.error({ status: 500, message: `${error}` }, ""));
  });
}

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ["/v1/messages", anthropic],
  ["/v1/chat/completions", chat],
  ["/chat/completions", chat],
  ["/v1/responses", responses],
  ["/responses", responses],
]);

function routeOf(path: string): Route | null {
  const countsTokens = path === "/v1/messages/count_tokens";
  const protocol = protocols.get(countsTokens ? "/v1/messages" : path);
  return protocol === undefined ? null : { path, protocol, countsTokens };
}

/** The doors that lead to no model. */
function answerAside(
  endpoint: ModelEndpoint,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method } = request;
  if (path === "/journal" && method === "DELETE") {
    endpoint.journal.clear();
    sendJson(response, 200, []);
    return;
  }
  if (method !== "GET" && method !== "HEAD") {
    refuse(request, response, 404, `${method} ${path} is not served here`);
    return;
  }
  if (path === "/journal") sendJson(response, 200, endpoint.journal.entries());
  else if (path === "/" || path === "/healthz") sendJson(response, 200, { ok: true });
  else if (/^(\/v1)?\/models(\/|$)/.test(path)) answerModels(path, request, response);
  else refuse(request, response, 404, `${method} ${path} is not served here`);
}

const models = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "gpt-mock"] as const;
const createdAt = "2026-01-01T00:00:00Z";

/** Every model that is asked for by its name exists. */
function answerModels(path: string, request: IncomingMessage, response: ServerResponse): void {
  if (authOf(request) === null) {
    refuse(request, response, 401, "no API key was sent");
    return;
  }
  const describe = isAnthropic(request) ? anthropicModel : openaiModel;
  const id = path.replace(/^(\/v1)?\/models\/?/, "");
  if (id !== "") {
    sendJson(response, 200, describe(id));
    return;
  }
  const data = models.map((model) => describe(model));
  const ends = { has_more: false, first_id: models[0], last_id: models.at(-1) };
  sendJson(response, 200, isAnthropic(request) ? { data, ...ends } : { object: "list", data });
}

const anthropicModel = (id: string) => ({
  type: "model",
  id,
  display_name: id,
  created_at: createdAt,
  lifecycle: "active",
  max_input_tokens: 1_000_000,
  max_tokens: 64_000,
});

const openaiModel = (id: string) => ({
  id,
  object: "model",
  created: Date.parse(createdAt) / 1000,
  owned_by: "td",
});

function isAnthropic(request: IncomingMessage): boolean {
  return header(request, "anthropic-version") !== null || header(request, "x-api-key") !== null;
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  message: string,
): void {
  const protocol = isAnthropic(request) ? anthropic : chat;
  sendJson(response, status, protocol.error({ status, message }, ""));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
