/** The daemon's routes, as this page asks them. */
import type { IterationRecord } from "../src/protocol/door.ts";
import type { HistoryView } from "../src/protocol/history.ts";
import type { Amendment, DraftView } from "../src/protocol/plans.ts";
import type { ConfigView } from "../src/protocol/program.ts";
import type { QueueView } from "../src/protocol/status.ts";
import type { LoopView } from "../src/views/loop-view.ts";
import type { WhyView } from "../src/views/why.ts";

const timeoutMs = 60_000;

/** What the daemon, or the way to it, said no with. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.status = status;
  }
}

async function ask(path: string, body?: unknown): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { "content-type": "application/json" };
  const asked =
    body === undefined
      ? { signal }
      : { signal, headers, method: "POST", body: JSON.stringify(body) };
  const response = await fetch(path, asked).catch((cause: unknown) => {
    throw new Refusal(0, "the daemon does not answer", { cause });
  });
  if (response.ok) return response;
  throw new Refusal(response.status, await reasonOf(response));
}

async function reasonOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told === "object" && told !== null && "error" in told) return String(told.error);
  } catch {
    return text;
  }
  return text;
}

async function json<T>(path: string, body?: unknown): Promise<T> {
  return (await ask(path, body)).json() as Promise<T>;
}

const of = (id: string, rest = "") => `/v1/loops/${encodeURIComponent(id)}${rest}`;

export const api = {
  signIn: async (token: string) => void (await ask("/login", { token })),
  ping: () => json<{ version: string }>("/v1/ping"),
  loop: (id: string) => json<LoopView>(of(id)),
  why: (id: string) => json<WhyView>(of(id, "/why")),
  draft: (id: string) => json<DraftView>(of(id, "/draft")),
  diff: async (id: string) => (await ask(of(id, "/diff"))).text(),
  iterations: (id: string) => json<readonly number[]>(of(id, "/iterations")),
  record: (id: string, iteration: number) =>
    json<IterationRecord>(of(id, `/iterations/${iteration}`)),
  queue: () => json<QueueView>("/v1/queue"),
  history: () => json<HistoryView>("/v1/history"),
  config: (dir: string | null) =>
    json<ConfigView>(dir === null ? "/v1/config" : `/v1/config?dir=${encodeURIComponent(dir)}`),
  pause: (id: string) => json<LoopView>(of(id, "/pause"), {}),
  resume: (id: string, budgetUsd?: number) => json<LoopView>(of(id, "/resume"), { budgetUsd }),
  stop: (id: string) => json<LoopView>(of(id, "/stop"), {}),
  answer: (id: string, text: string) => json<LoopView>(of(id, "/answer"), { text }),
  feedback: (id: string, text: string) => json<LoopView>(of(id, "/feedback"), { text }),
  amend: (id: string, amendment: Amendment) => json<LoopView>(of(id, "/amend"), amendment),
};
