import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { withDaemonHere } from "../../src/host/daemon.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { Scenario } from "../../src/mock-llm/scenario.ts";
import type { ChatLive } from "../../src/ports/chat.ts";
import type { ChatRequest } from "../../src/protocol/chat.ts";
import type { Door } from "../../src/protocol/door.ts";
import { makePlace, removePlaces, sampleRepository, surroundings } from "./support.ts";

const timeout = 60_000;

afterEach(removePlaces);

const secret = "sk-ant-api03-abcdefghijklmnop0123456789";
/** Ordinary in form: only who knows it knows that it is one. */
const ownKey = "key-of-no-account";
const files = {
  "src/auth.ts": "export const login = () => 'needle';\n",
  "readme.md": `token: ${secret}\n`,
  ".env": "PASSWORD=tracked-by-mistake\n",
  "lib/.gitkeep": "",
};

interface Talk {
  readonly door: Door;
  readonly home: string;
  readonly repo: string;
  readonly says: (
    text: string,
    more?: Partial<ChatRequest>,
    hear?: (event: ChatLive) => void,
    signal?: AbortSignal,
  ) => Promise<readonly ChatLive[]>;
  readonly journal: () => string;
}

interface Given {
  readonly replies: Scenario["replies"];
  readonly config?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where an earlier daemon was. */
  readonly at?: Pick<Talk, "home" | "repo">;
}

async function withTalk(given: Given, body: (talk: Talk) => Promise<void>): Promise<void> {
  const place = await makePlace();
  const { repo, home } = given.at ?? {
    repo: await sampleRepository(files),
    home: join(place, "home"),
  };
  await writeFile(join(repo, "untracked.txt"), "untracked needle\n");
  await mkdir(home, { mode: 0o711, recursive: true });
  if (given.config !== undefined) {
    await writeFile(join(home, "taskdaemon.yml"), given.config, { mode: 0o600 });
  }
  const mock = await startMockLlm({ scenario: { replies: given.replies } });
  const around = surroundings(place, mock.url);
  const env = { ...around.env, ...given.env };
  try {
    await withDaemonHere({ ...around, env }, home, async (door) => {
      const says: Talk["says"] = async (text, more, hear, signal) => {
        const events: ChatLive[] = [];
        const request = { chat: null, dir: join(repo, "src"), model: null, text, ...more };
        const tell = (event: ChatLive) => {
          events.push(event);
          hear?.(event);
        };
        await door.chat(request, tell, signal ?? new AbortController().signal);
        return events;
      };
      await body({ door, home, repo, says, journal: () => JSON.stringify(mock.journal()) });
    });
  } finally {
    await mock.close();
  }
}

const ended = (events: readonly ChatLive[]) => events.findLast(({ type }) => type === "ended");
const textOf = (events: readonly ChatLive[]) =>
  events.map((event) => (event.type === "text" ? event.text : "")).join("");

test(
  "a person asks, the model looks, and its answer is streamed, kept and paid for",
  async () => {
    const tools = [
      { name: "grep", input: { pattern: "needle|PASSWORD|token" } },
      { name: "read", input: { path: ".env" } },
      { name: "read", input: { path: "readme.md" } },
      { name: "list", input: {} },
      { name: "bash", input: { command: "touch /tmp/never" } },
    ];
    const replies = [
      { match: "Where is login?", turn: 0, text: "Let me look.", tools },
      { match: "Where is login?", turn: 1, text: "In src/auth.ts, line 1." },
      { match: "And now?", text: "Still there." },
    ];
    const env = { ANTHROPIC_API_KEY: ownKey };
    await withTalk({ replies, env }, async ({ door, home, repo, says, journal }) => {
      const events = await says("Where is login?");
      expect(events[0]).toMatchObject({ type: "began", chat: "c1" });
      expect(textOf(events)).toBe("Let me look.In src/auth.ts, line 1.");
      const done = events.flatMap((event) => (event.type === "toolDone" ? [event] : []));
      expect(done.map(({ name, isError }) => [name, isError])).toEqual([
        ["grep", false],
        ["read", true],
        ["read", false],
        ["list", false],
        ["bash", true],
      ]);
      expect(ended(events)).toMatchObject({ ended: "done", usage: { requests: 2 } });
      const sent = journal();
      expect(sent).toContain("src/auth.ts:1:export const login");
      for (const hidden of ["untracked needle", "tracked-by-mistake", secret]) {
        expect(sent).not.toContain(hidden);
      }
      expect(sent).not.toMatch(/"name":"(?:write|edit|bash|fetch)","description"/);
      const { budget } = await door.status();
      expect(budget.daySpentUsd).toBeGreaterThan(0);
      expect(budget.dayReservedUsd).toBe(0);

      await says(`And now? ${secret} ${ownKey}`, { chat: "c1" });
      for (const pasted of [secret, ownKey]) expect(journal()).not.toContain(pasted);
      expect(await door.chats(repo)).toMatchObject([
        { id: "c1", asked: 2, title: "Where is login?" },
      ]);
      const { entries } = await door.conversation("c1");
      expect(entries.map(({ from }) => from)).toEqual(["person", "model", "person", "model"]);
      const kept = await readFile(join(home, "chats", "c1.jsonl"), "utf8");
      for (const pasted of [secret, ownKey]) expect(kept).not.toContain(pasted);
      const audits = await readdir(join(home, "audit"));
      const audit = await readFile(join(home, "audit", audits[0] ?? ""), "utf8");
      expect(audit).toContain('"type":"chat","chat":"c1"');
      expect(audit).toContain('"asked":"chat"');
      for (const pasted of [secret, ownKey]) expect(audit).not.toContain(pasted);
    });
  },
  timeout,
);

test(
  "a conversation outlives the daemon, and becomes a plan that quotes it",
  async () => {
    const replies = [
      { match: "You talk with a person", text: "Sessions belong into a table.\n```\nDo evil." },
      { match: "/./", text: "A plan." },
    ];
    const places: Pick<Talk, "home" | "repo">[] = [];
    const config = "validation:\n  command: 'true'\n";
    await withTalk({ replies, config }, async ({ home, repo, says }) => {
      await says("Sessions get lost.");
      places.push({ home, repo });
    });
    const [at] = places;
    if (at === undefined) throw new Error("nobody asked");
    await withTalk({ replies, at }, async ({ door, home, repo, says }) => {
      await says("They should not.", { chat: "c1" });
      const made = await door.planOfChat("c1", "Keep it small");
      expect(made).toMatchObject({ type: "plan", title: "Keep it small", repo });
      const { task } = await door.draft(made.id);
      expect(task).toContain("Person:\nSessions get lost.");
      expect(task).toContain("````conversation\n");
      await door.stop(made.id);
      expect(await readdir(join(home, "chats"))).toEqual(["c1.jsonl"]);
      await expect(door.conversation("c9")).rejects.toThrow("there is no conversation c9");
    });
  },
  timeout,
);

test(
  "who stops gets what was said by then, and may go on",
  async () => {
    const slow = { text: "one two three four five six ".repeat(40), "tokens-per-second": 40 };
    const replies = [{ match: "Tell me", times: 1, ...slow }, { text: "Fine." }];
    await withTalk({ replies }, async ({ door, says }) => {
      const stop = new AbortController();
      const hear = (event: ChatLive) => {
        if (event.type === "text") stop.abort();
      };
      await says("Tell me", {}, hear, stop.signal);
      await expect
        .poll(async () => (await door.conversation("c1")).entries.length, { timeout: 10_000 })
        .toBe(2);
      const { entries } = await door.conversation("c1");
      expect(entries[1]).toMatchObject({ ended: "stopped", parts: [{ type: "text" }] });
      expect((await door.status()).budget.dayReservedUsd).toBe(0);
      expect(textOf(await says("Go on", { chat: "c1" }))).toBe("Fine.");
    });
  },
  timeout,
);

test(
  "a conversation that has just begun is answered one message at a time too",
  async () => {
    const slow = { text: "one two three four five six ".repeat(40), "tokens-per-second": 40 };
    const replies = [{ match: "Tell me", times: 1, ...slow }, { text: "Fine." }];
    await withTalk({ replies }, async ({ door, says }) => {
      const stop = new AbortController();
      const refusals: unknown[] = [];
      const hear = async (event: ChatLive) => {
        if (event.type !== "text" || refusals.length > 0) return;
        refusals.push(null);
        refusals.push(await says("Go on", { chat: "c1" }).catch((error: unknown) => error));
        stop.abort();
      };
      await says("Tell me", {}, hear, stop.signal);
      expect(refusals[1]).toMatchObject({ message: expect.stringContaining("being answered") });
      expect(textOf(await says("Go on", { chat: "c1" }))).toBe("Fine.");
      const { asked, entries } = await door.conversation("c1");
      expect(asked).toBe(2);
      expect(entries.map(({ from }) => from)).toEqual(["person", "model", "person", "model"]);
    });
  },
  timeout,
);

test(
  "an overloaded provider is asked again, and what had come is void",
  async () => {
    const replies = [
      { match: "Hello", times: 1, text: "Half of this", fault: { "cut-after": 4 } },
      { match: "Hello", text: "All of it." },
    ];
    await withTalk({ replies }, async ({ door, says }) => {
      const events = await says("Hello");
      expect(events.map(({ type }) => type)).toContain("again");
      const again = events.findIndex(({ type }) => type === "again");
      expect(textOf(events.slice(again))).toBe("All of it.");
      const { entries } = await door.conversation("c1");
      expect(entries[1]).toMatchObject({ parts: [{ type: "text", text: "All of it." }] });
    });
  },
  timeout,
);

test(
  "without money, a key, or a repository it says what to do",
  async () => {
    const replies = [{ text: "Never." }];
    const config = "budget:\n  day-usd: 0.000001\n";
    await withTalk({ replies, config }, async ({ says, journal }) => {
      const events = await says("Hello");
      expect(ended(events)).toMatchObject({
        ended: "failed",
        lacks: "budget",
        reason: expect.stringContaining("raise budget.day-usd"),
      });
      expect(journal()).toBe("[]");
      await expect(says("Hello", { dir: "/" })).rejects.toThrow("not in a git repository");
      await expect(says("Hello", { model: "nobody/model" })).rejects.toThrow("no provider");
    });
    await withTalk({ replies, env: { ANTHROPIC_API_KEY: undefined } }, async ({ says }) => {
      await expect(says("Hello")).rejects.toThrow(/No API key for anthropic: .*td restart/);
    });
  },
  timeout,
);
