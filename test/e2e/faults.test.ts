import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import type { JournalEntry } from "../../src/mock-llm/journal.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { Fault } from "../../src/mock-llm/scenario.ts";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import type { WhyView } from "../../src/views/why.ts";
import {
  type Desk,
  failing,
  feed,
  jsonOf,
  keyValue,
  loopOf,
  makeDesk,
  runJson,
  startTd,
  type Told,
  td,
} from "./program.ts";
import { done, edit, loopTimeoutMs, read, removePlaces, scripted } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

const fix = edit("sum.js", "a - b", "a + b");
const honest = scripted([[read("sum.js")], [fix], [done]]);

interface Outcome {
  readonly told: Told;
  readonly view: LoopView;
  readonly journal: readonly JournalEntry[];
  readonly desk: Desk;
}

/** One `td run --json` against a model of which `policy` tells the story. */
async function runAgainst(
  policy: Policy,
  { config, args = [] }: { config?: string; args?: readonly string[] } = {},
): Promise<Outcome> {
  const mock = await startMockLlm({ policy, scenario: { "ping-ms": 100 } });
  try {
    const desk = await makeDesk({
      modelUrl: mock.url,
      ...(config === undefined ? {} : { config }),
    });
    const told = await td(desk, [...runJson, ...args]);
    return { told, view: loopOf(told), journal: mock.journal(), desk };
  } finally {
    await mock.close();
  }
}

const beyondTheEnd = 1_000;

const outages: readonly (readonly [string, readonly Fault[], number])[] = [
  ["a 429 that names a second", [{ status: 429, "retry-after": 1 }], 0],
  ["three 529 in a row", [{ status: 529 }, { status: 529 }, { status: 529 }], 0],
  ["a 500 and a 503", [{ status: 500 }, { status: 503 }], 0],
  ["a stream cut in its middle", [{ "cut-after": 3 }], 1],
  ["a stream cut before its first event", [{ "cut-after": 0 }], 0],
  ["a stream that ends without its end mark", [{ "end-after": beyondTheEnd }], 1],
  ["a stream of nothing but pings", [{ stall: true }], 0],
  ["a stream that stalls before its end mark", [{ stall: beyondTheEnd }], 1],
  ["an event that is half an event", [{ malformed: 4 }], 1],
  ["an error event in the middle", [{ "error-after": 3 }], 1],
];

test.concurrent.each(outages)(
  "after %s the loop completes in its first iteration",
  async (_, faults, begun) => {
    const { told, view, journal } = await runAgainst(failing(honest, faults), {
      config: "llm: { stall-timeout: 1s }\n",
    });
    expect(told.code).toBe(0);
    expect(view).toMatchObject({
      status: "complete",
      iteration: 1,
      attempt: 1,
      delivered: { to: "taskdaemon/1" },
      usage: { requests: 3 + begun },
    });
    expect(journal.map(({ turn }) => turn)).toEqual([...faults.map(() => 0), 0, 1, 2]);
  },
);

test.concurrent.each<readonly [string, Fault]>([
  ["cut", { "cut-after": beyondTheEnd }],
  ["ended without its end mark", { "end-after": beyondTheEnd }],
  ["stalled", { stall: beyondTheEnd }],
  ["broken by an error event", { "error-after": beyondTheEnd }],
])("a claim to be done whose stream was %s is no claim", async (_, fault) => {
  let isFirst = true;
  const { view, journal } = await runAgainst(
    (request) => {
      if (!isFirst) return honest(request);
      isFirst = false;
      return { tools: [{ name: done.name, input: { ...done.input } }], fault };
    },
    { config: "llm: { stall-timeout: 1s }\n" },
  );
  expect(view).toMatchObject({ status: "complete", iteration: 1 });
  expect(journal.map(({ turn }) => turn)).toEqual([0, 0, 1, 2]);
});

test.concurrent.each([401, 403])(
  "a key refused by %i is asked for, not knocked with",
  async (status) => {
    const { told, view, journal, desk } = await runAgainst(() => ({ fault: { status } }));
    expect(told.code).toBe(5);
    expect(view).toMatchObject({ status: "blocked", blockedOn: "key", iteration: 0 });
    expect(view.reason).toMatch(
      /refuses the key .*: set a valid one and td restart, then td resume 1/,
    );
    expect(journal).toHaveLength(2);
    const why = jsonOf<WhyView>(await td(desk, ["--json", "why", "1"]));
    expect(`${why.sentence} ${why.remedy}`).toMatch(/key/);
    expect(`${told.stdout}${told.stderr}`).not.toContain(keyValue);
  },
);

test.concurrent("a request that the provider calls invalid fails at once", async () => {
  const message = "messages.0: that will never do";
  const { told, view, journal } = await runAgainst(() => ({ fault: { status: 400, message } }));
  expect(told.code).toBe(1);
  expect(view).toMatchObject({ status: "failed", iteration: 0 });
  expect(view.reason).toContain(message);
  expect(journal).toHaveLength(1);
});

test.concurrent("a model that only talks ends its iteration, and the verdict decides", async () => {
  const { told, view, journal } = await runAgainst(
    scripted([["I looked at it: all is well."]], [[read("sum.js")], [fix], ["It adds."]]),
  );
  expect(view).toMatchObject({ status: "complete", reason: null, iteration: 2 });
  expect(told.code).toBe(0);
  expect(journal.map(({ turn }) => turn)).toEqual([0, 0, 1, 2]);
});

test.concurrent("a reply cut at its maximum length goes on in the same conversation", async () => {
  const { view, journal } = await runAgainst((request) => {
    if (request.turn > 0) return honest({ ...request, turn: request.turn - 1 });
    return { text: "A long story.", "stop-reason": "max_tokens" };
  });
  expect(view).toMatchObject({ status: "complete", iteration: 1, usage: { requests: 4 } });
  expect(journal.map(({ turn }) => turn)).toEqual([0, 1, 2, 3]);
});

test.concurrent("a model that stands in takes over while the own one is parked", async () => {
  const config = "llm: { default: anthropic/own, fallback: anthropic/other }\n";
  const { told, view, journal } = await runAgainst(
    (request) =>
      request.model === "own" ? { fault: { status: 429, "retry-after": 3600 } } : honest(request),
    { config },
  );
  expect(told.code).toBe(0);
  expect(view).toMatchObject({ status: "complete", iteration: 1 });
  expect(journal.map(({ model }) => model)).toEqual(["own", "other", "other", "other"]);
});

test.concurrent("a long Retry-After parks the loop: shown, stoppable, and kept by a restart", async () => {
  const policy: Policy = () => ({ fault: { status: 429, "retry-after": 3600 } });
  const mock = await startMockLlm({ policy });
  try {
    const desk = await makeDesk({ modelUrl: mock.url });
    const before = Date.now();
    const first = startTd(desk, runJson);
    await parked(desk);
    const why = jsonOf<WhyView>(await td(desk, ["--json", "why", "1"]));
    expect(why.status).toBe("pending");
    const [, time = ""] = /^It starts again at (\S+) \(in 60 min\)/.exec(why.sentence) ?? [];
    expect(Date.parse(time) - before).toBeGreaterThan(3_600_000);
    expect(Date.parse(time) - before).toBeLessThan(3_700_000);
    await interruptedWithin2s(first);
    expect(await td(desk, ["restart"])).toMatchObject({ code: 0 });
    const again = startTd(desk, ["--json", "run", "--resume", "1"]);
    await setTimeout(3_000);
    expect(jsonOf<WhyView>(await td(desk, ["--json", "why", "1"])).sentence).toContain(time);
    expect(mock.journal()).toHaveLength(1);
    const told = await interruptedWithin2s(again);
    expect(loopOf(told)).toMatchObject({ status: "pending", notBefore: time, iteration: 0 });
  } finally {
    await mock.close();
  }
});

async function parked(desk: Desk): Promise<void> {
  await vi.waitFor(
    async () => {
      const types = (await feed(desk)).map(({ type }) => type);
      expect(types).toContain("attempt.ended");
    },
    { timeout: 30_000, interval: 200 },
  );
}

async function interruptedWithin2s(running: ReturnType<typeof startTd>): Promise<Told> {
  const at = performance.now();
  running.kill("SIGINT");
  const told = await running.ended;
  expect(performance.now() - at).toBeLessThan(2_000);
  expect(told.code).toBe(130);
  expect(told.stderr).toContain("td run --resume 1");
  expect(loopOf(told)).toMatchObject({ id: "1", status: "pending" });
  return told;
}
