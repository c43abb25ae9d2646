/** Whether shared limits hold and are used up: 50 callers, the real gate, client and HTTP. */
import { performance } from "node:perf_hooks";
import { AnthropicClient } from "../src/adapters/llm/anthropic.ts";
import { createTransport } from "../src/adapters/llm/transport.ts";
import { type RateLimits, unlimited } from "../src/core/admission.ts";
import type { LoopId } from "../src/core/loop.ts";
import type { AdmissionGate } from "../src/engine/admission-gate.ts";
import { Gates } from "../src/engine/gates.ts";
import { systemClock } from "../src/host/clock.ts";
import { startMockLlm } from "../src/mock-llm/mock-llm.ts";
import { atLeast, atMost, type Findings, type Row, row } from "./measure.ts";

const callers = 50;
/** Stands for a minute. */
const periodMs = 5_000;
const periods = 6;
/** The first replies teach the gate what a call takes: only windows that begin later count. */
const learningMs = periodMs;
const tokensMin = 800;
const tokensMax = 1_200;
const latencyMsMax = 400;
const neverMs = 60_000;

interface Sent {
  readonly at: number;
  readonly requests: number;
  readonly tokens: number;
}

/** Once limited by requests, once by tokens. */
export async function benchLimits(): Promise<Findings> {
  const none = unlimited.perPeriod;
  const byRequests = { ...none, requests: 60, inputTokens: 120_000 };
  const byTokens = { ...none, requests: 600, inputTokens: 60_000 };
  const rows = [
    ...rowsOf("60 requests", "requests", 60, await life(byRequests)),
    ...rowsOf("60,000 tokens", "tokens", 60_000, await life(byTokens)),
  ];
  return { rows, notes: [`${callers} callers, a period of ${periodMs} ms stands for a minute`] };
}

async function life(perPeriod: RateLimits["perPeriod"]): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  const mock = await startMockLlm({
    policy: () => {
      const tokens = Math.round(tokensMin + Math.random() * (tokensMax - tokensMin));
      sent.push({ at: performance.now(), requests: 1, tokens });
      const usage = { input_tokens: tokens, output_tokens: 10 };
      return { text: "So it is.", usage, "latency-ms": Math.random() * latencyMsMax };
    },
  });
  try {
    const limits = { ...unlimited, perPeriod, periodMs };
    const outside = { clock: systemClock, random: { next: () => Math.random() } };
    const gate = new Gates(outside, () => limits).shared("anthropic");
    const over = new AbortController();
    const all = Array.from({ length: callers }, (_, n) => call(gate, mock.url, n, over.signal));
    await systemClock.sleepUntil(Date.now() + learningMs + periods * periodMs, over.signal);
    over.abort();
    await Promise.all(all);
    return sent;
  } finally {
    await mock.close();
  }
}

/** Calls without a pause until it is over. */
async function call(
  gate: AdmissionGate,
  baseUrl: string,
  n: number,
  over: AbortSignal,
): Promise<void> {
  const fetch = createTransport();
  const apiKey = "key-of-no-account";
  const endpoint = { provider: "anthropic", baseUrl, apiKey, stallTimeoutMs: neverMs, fetch };
  const client = new AnthropicClient({ ...endpoint, now: Date.now });
  const text = "x".repeat(4 * tokensMin);
  const messages = [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
  const request = { model: "m", system: "", messages, tools: [], outputTokensMax: 1_000 };
  const loop = `${n}` as LoopId;
  const size = { bytes: text.length, outputTokensMax: 1_000 };
  while (!over.aborted) {
    const entry = { loop, priority: "normal", since: Date.now(), model: "m", ...size } as const;
    const ticket = await gate.enter(entry, neverMs, () => {}, over);
    if (!ticket.ok) return;
    const reply = await client.complete(request, new AbortController().signal, () => {});
    const { inputTokens, outputTokens } = reply.usage;
    const real = { inputTokens, outputTokens };
    ticket.end({ health: "success", real, told: reply.rates ?? null });
  }
}

function rowsOf(
  name: string,
  of: "requests" | "tokens",
  limit: number,
  sent: readonly Sent[],
): readonly Row[] {
  const from = (sent[0]?.at ?? 0) + learningMs;
  const counted = sent.filter(({ at }) => at >= from && at < from + periods * periodMs);
  const total = counted.reduce((sum, each) => sum + each[of], 0);
  const perSecond = (total / (periods * periodMs)) * 1_000;
  const baseline = (limit / periodMs) * 1_000;
  const worst = worstWindow(counted, of);
  return [
    row(`${name} a period, used`, "per s", { ours: perSecond, baseline }, atLeast(0.95)),
    row(`${name} a period, worst window`, of, { ours: worst, baseline: limit }, atMost(1.05)),
  ];
}

/** The most that any half-open window of a period saw. */
function worstWindow(sent: readonly Sent[], of: "requests" | "tokens"): number {
  let [worst, sum, from] = [0, 0, 0];
  for (const each of sent) {
    sum += each[of];
    while ((sent[from]?.at ?? 0) <= each.at - periodMs) sum -= sent[from++]?.[of] ?? 0;
    worst = Math.max(worst, sum);
  }
  return worst;
}
