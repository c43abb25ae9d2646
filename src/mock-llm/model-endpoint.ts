import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { answerOf, inputTokens } from "./answer.ts";
import { type Delivery, sendStream, sendWhole } from "./delivery.ts";
import { Dice } from "./dice.ts";
import { signature } from "./headers.ts";
import { Journal, type JournalEntry } from "./journal.ts";
import { RateLimits } from "./rate-limits.ts";
import { authOf, header, readBody } from "./reception.ts";
import type { Fault, Scenario } from "./scenario.ts";
import { type Choice, type Policy, Script } from "./script.ts";
import {
  type Answer,
  isWire,
  type NormalRequest,
  type Protocol,
  type Refusal,
  type Wire,
} from "./wire.ts";

/** Where a request goes: a protocol, and whether it only asks for the tokens of a request. */
export interface Route {
  readonly path: string;
  readonly protocol: Protocol;
  readonly countsTokens: boolean;
}

/** Answers model requests by the scenario; owns the order of requests and with it all chance. */
export class ModelEndpoint {
  readonly journal = new Journal();
  readonly #script: Script;
  readonly #limits: RateLimits;
  readonly #seed: number;
  readonly #pingMs: number;
  readonly #now: () => number;
  #requests = 0;

  constructor(
    scenario: Scenario,
    { seed, policy, now }: { seed: number; policy: Policy; now: () => number },
  ) {
    this.#script = new Script(scenario, policy);
    this.#limits = new RateLimits(scenario.limits ?? {}, now());
    this.#seed = seed;
    this.#pingMs = scenario["ping-ms"] ?? pingMsUsual;
    this.#now = now;
  }

  /** Rejects when the client goes away, or when the policy throws. */
  async answer(
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const received = await readBody(request);
    // Synchronous from here to the journal: the order of the bodies is the order of the numbers.
    this.#requests += 1;
    const n = this.#requests;
    const dice = new Dice(this.#seed, n);
    const requestId = `req_01${dice.token(22)}`;
    const body = received.kind === "json" && isWire(received.value) ? received.value : null;
    const outcome =
      received.kind === "tooLarge"
        ? refused({ status: 413, message: "Request exceeds the maximum size" })
        : this.#judge(route, request, body, n, dice);
    const entry: JournalEntry = {
      n,
      at: new Date(this.#now()).toISOString(),
      path: route.path,
      protocol: route.protocol.name,
      model: outcome.request?.model || null,
      turn: outcome.request?.turn ?? null,
      status: statusOf(outcome),
      matched: outcome.choice?.matched ?? null,
      fault: outcome.choice?.fault ?? null,
      auth: authOf(request),
      body: received.kind === "tooLarge" ? null : received.value,
    };
    this.journal.add(entry, received.kind === "tooLarge" ? 0 : received.bytes);
    await this.#send(route.protocol, outcome, { requestId, body: body ?? {}, response, signal });
  }

  #judge(
    route: Route,
    request: IncomingMessage,
    body: Wire | null,
    n: number,
    dice: Dice,
  ): Outcome {
    const { protocol } = route;
    if (authOf(request) === null) {
      return refused({ status: 401, message: noKey[protocol.name], code: "invalid_api_key" });
    }
    if (body === null) return refused({ status: 400, message: "The body is not a JSON object." });
    const normal = protocol.read(body);
    const refusal = protocol.refuse(route.countsTokens ? { max_tokens: 1, ...body } : body, {
      version: header(request, "anthropic-version"),
      betas: header(request, "anthropic-beta"),
    });
    if (refusal !== null) return refused(refusal, normal);
    if (route.countsTokens) {
      return { ...nothing, request: normal, whole: { input_tokens: inputTokens(normal, body) } };
    }
    const limited = this.#limits.refuse(this.#now());
    if (limited !== null) {
      const message = `This request would exceed the rate limit of ${limited.name} per minute.`;
      const refusal = { status: 429, message, code: "rate_limit_exceeded" };
      return { ...refused(refusal, normal), retryAfter: limited.retryAfterSeconds };
    }
    const choice = this.#script.choose(normal, dice);
    const faulty = statusFault(choice.fault, body.stream === true);
    if (faulty !== null) {
      this.#limits.take({ requests: 1, "input-tokens": 0, "output-tokens": 0 });
      const retryAfter = choice.fault?.["retry-after"] ?? null;
      return { ...refused(faulty, normal), choice, retryAfter };
    }
    const outputTokensMax = protocol.outputTokensMax(body);
    const answer = answerOf(choice.reply, { n, request: normal, body, outputTokensMax, dice });
    this.#limits.take({
      requests: 1,
      "input-tokens": answer.usage.input + answer.usage.cacheWrite5m + answer.usage.cacheWrite1h,
      "output-tokens": answer.usage.output,
    });
    return { ...nothing, request: normal, choice, answer };
  }

  async #send(
    protocol: Protocol,
    outcome: Outcome,
    {
      requestId,
      body,
      response,
      signal,
    }: { requestId: string; body: Wire; response: ServerResponse; signal: AbortSignal },
  ): Promise<void> {
    const { refusal, choice, answer, retryAfter, whole } = outcome;
    const isMetered = answer !== null || refusal?.status === 429;
    const gauges = isMetered ? this.#limits.gauges(this.#now()) : [];
    const headers = signature(protocol.name, requestId, gauges, this.#now());
    const latencyMs = choice?.reply["latency-ms"] ?? 0;
    if (refusal !== null) {
      if (latencyMs > 0) await setTimeout(latencyMs, undefined, { signal });
      if (retryAfter !== null) headers["retry-after"] = String(retryAfter);
      response.writeHead(refusal.status, { ...headers, "content-type": "application/json" });
      response.end(JSON.stringify(protocol.error(refusal, requestId)));
      return;
    }
    const fault = choice?.fault ?? {};
    const delivery: Delivery = {
      headers,
      fault,
      latencyMs,
      tokensPerSecond: choice?.reply["tokens-per-second"] ?? null,
      pingMs: this.#pingMs,
      ping: protocol.ping,
      errorFrame: protocol.errorFrame(fault.message ?? "Overloaded", requestId),
      signal,
    };
    if (answer === null) return await sendWhole(response, whole ?? {}, delivery);
    if (body.stream === true) return await sendStream(response, protocol.frames(answer), delivery);
    await sendWhole(response, protocol.whole(answer), delivery);
  }
}

const pingMsUsual = 1000;

interface Outcome {
  readonly request: NormalRequest | null;
  readonly choice: Choice | null;
  readonly refusal: Refusal | null;
  readonly retryAfter: number | string | null;
  readonly answer: Answer | null;
  readonly whole: object | null;
}

const nothing: Outcome = {
  request: null,
  choice: null,
  refusal: null,
  retryAfter: null,
  answer: null,
  whole: null,
};

function refused(refusal: Refusal, request: NormalRequest | null = null): Outcome {
  return { ...nothing, refusal, request };
}

function statusOf({ refusal, choice }: Outcome): number {
  if (refusal !== null) return refusal.status;
  return choice?.fault?.silent === true ? 0 : 200;
}

/** An error in the middle of a stream is an error at once where nothing is streamed. */
function statusFault(fault: Fault | null, isStream: boolean): Refusal | null {
  const early = !isStream && fault?.["error-after"] !== undefined ? 529 : null;
  const status = fault?.status ?? early;
  if (status === null) return null;
  return { status, message: fault?.message ?? statusTexts.get(status) ?? "Injected fault" };
}

const statusTexts: ReadonlyMap<number, string> = new Map([
  [400, "Bad request"],
  [401, "invalid x-api-key"],
  [403, "Your API key does not have permission to use the specified resource."],
  [404, "Not found"],
  [429, "This request would exceed your account's rate limit. Please try again later."],
  [500, "Internal server error"],
  [503, "Service unavailable"],
  [529, "Overloaded"],
]);

const noKey = {
  anthropic: "x-api-key header is required",
  chat: "You didn't provide an API key.",
  responses: "You didn't provide an API key.",
} as const;
