import { Buffer } from "node:buffer";
import type { AlertView, NotifyTestView } from "../protocol/alerts.ts";
import { refusalOf, unknownAnswer, versionOf } from "../protocol/answers.ts";
import type { DashboardView } from "../protocol/dashboard.ts";
import type { Door, FeedEvent, Raise, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { MetricsView } from "../protocol/metrics.ts";
import type { DraftView } from "../protocol/plans.ts";
import type { QueueView, StatusView } from "../protocol/status.ts";
import type { LoopView } from "../views/loop-view.ts";
import { remoteChat } from "./chat.ts";
import type { Keeper } from "./follow.ts";
import { request as httpRequest } from "./http.ts";
import { remoteMail } from "./mail.ts";

const answerBytesMax = 256 * 1024 * 1024;
/** The daemon refuses more, and closes before it has read it: its answer would be lost. */
const bodyBytesMax = 32 * 1024 * 1024;
const timeoutMs = 60_000;

/** Speaks to the daemon at `socket`. Throws UserError(daemon) when nobody answers there. */
export function connectDoor(socket: string, keeper: Keeper): Door {
  const get = (path: string) => ask(socket, "GET", path, null);
  const post = (path: string, body: unknown = {}) => ask(socket, "POST", path, body);
  const loopPath = (id: string, rest = "") => `/v1/loops/${encodeURIComponent(id)}${rest}`;
  const create = async (requests: readonly RunRequest[]) =>
    (await post("/v1/loops", requests)) as readonly LoopView[];
  const door: Omit<Door, "drive"> = {
    ...remoteMail({ get, post }),
    ...remoteChat({ socket, get, post }),
    board: async (hearing) => (await import("./board.ts")).connectBoard(socket, hearing),
    loops: async (filter) => (await get(`/v1/loops${queryOf(filter)}`)) as LoopView[],
    loop: async (id) => (await get(loopPath(id))) as LoopView,
    why: async (id) => (await get(loopPath(id, "/why"))) as Awaited<ReturnType<Door["why"]>>,
    diff: async (id) => (await get(loopPath(id, "/diff"))) as string,
    report: async (id) =>
      (await get(loopPath(id, "/report"))) as Awaited<ReturnType<Door["report"]>>,
    digest: async (since) =>
      (await get(`/v1/digest?since=${since}`)) as Awaited<ReturnType<Door["digest"]>>,
    iterations: async (id) => (await get(loopPath(id, "/iterations"))) as number[],
    record: async (id, iteration) =>
      (await get(loopPath(id, `/iterations/${iteration}`))) as Awaited<ReturnType<Door["record"]>>,
    events: (from) =>
      allEvents(async (next) => (await get(`/v1/events?from=${next}`)) as FeedEvent[], from),
    plan: async (request) => (await post("/v1/plan", request)) as Awaited<ReturnType<Door["plan"]>>,
    create: async (request) => first(await create([request])),
    createAll: create,
    resume: async (id, raise: Raise) => (await post(loopPath(id, "/resume"), raise)) as LoopView,
    pause: async (id) => (await post(loopPath(id, "/pause"))) as LoopView,
    stop: async (id) => (await post(loopPath(id, "/stop"))) as LoopView,
    answer: async (id, text) => (await post(loopPath(id, "/answer"), { text })) as LoopView,
    rollback: async (id, to) => (await post(loopPath(id, "/rollback"), { to })) as LoopView,
    draft: async (id) => (await get(loopPath(id, "/draft"))) as DraftView,
    amend: async (id, amendment) => (await post(loopPath(id, "/amend"), amendment)) as LoopView,
    status: async () => (await get("/v1/status")) as StatusView,
    alerts: async () => (await get("/v1/alerts")) as AlertView[],
    testNotify: async () => (await post("/v1/notify/test")) as NotifyTestView[],
    metrics: async () => (await get("/v1/metrics")) as MetricsView,
    queue: async () => (await get("/v1/queue")) as QueueView,
    dashboard: async (port) => (await post("/v1/dashboard", { port })) as DashboardView,
    version: async () => {
      const answer = await get("/v1/ping");
      const version = versionOf(answer);
      if (version === null) throw unknownAnswer(answer);
      return version;
    },
    shutdown: async (options) => {
      await post("/v1/shutdown", options);
    },
  };
  return {
    ...door,
    drive: async (id, watch, signal) => {
      const { follow } = await import("./follow.ts");
      return follow({ socket, keeper, door, id, watch, signal });
    },
  };
}

const pagesMax = 1_000_000;

/** The daemon answers a page at a time; an empty one is the end. */
async function allEvents(
  page: (from: number) => Promise<readonly FeedEvent[]>,
  from: number,
): Promise<readonly FeedEvent[]> {
  const events: FeedEvent[] = [];
  let next = from;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const more = await page(next);
    const last = more.at(-1);
    if (last === undefined) break;
    for (const event of more) events.push(event);
    next = last.seq + 1;
  }
  return events;
}

function first(views: readonly LoopView[]): LoopView {
  const [view] = views;
  if (view === undefined) throw new Error("the daemon created nothing");
  return view;
}

function queryOf(filter: object): string {
  const given = Object.entries(filter).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

function ask(socket: string, method: string, path: string, body: unknown): Promise<unknown> {
  const text = body === null ? undefined : JSON.stringify(body);
  if (text !== undefined && Buffer.byteLength(text) > bodyBytesMax) {
    const message = `that is too much at once for the daemon: more than ${bodyBytesMax} bytes; send it in parts`;
    return Promise.reject(new UserError(exitCodes.invalid, message));
  }
  return new Promise((resolve, reject) => {
    const headers = text === undefined ? {} : { "content-type": "application/json" };
    // Without a name node looks for one, with a pattern that takes it 3 ms to read.
    const place = { socketPath: socket, servername: "" };
    // No agent: a kept connection may be one that the daemon has just closed.
    const how = { method, path, headers, timeout: timeoutMs, agent: false };
    const request = httpRequest({ ...place, ...how });
    request.on("timeout", () => request.destroy(new Error(`no answer in ${timeoutMs / 1_000} s`)));
    request.on("error", (error) => reject(unreachable(error)));
    request.on("response", (response) => {
      let told = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        told += chunk;
        if (told.length > answerBytesMax) request.destroy(new Error("the answer is too large"));
      });
      response.on("end", () => {
        const isJson = response.headers["content-type"]?.includes("json") === true;
        const answer: unknown = isJson ? JSON.parse(told) : told;
        if ((response.statusCode ?? 500) < 400) resolve(answer);
        else reject(refusalOf(answer) ?? unknownAnswer(answer));
      });
    });
    request.end(text);
  });
}

function unreachable(error: Error): UserError {
  const message = `the daemon does not answer (${error.message}): td status, td start`;
  return new UserError(exitCodes.daemon, message, { cause: error });
}
