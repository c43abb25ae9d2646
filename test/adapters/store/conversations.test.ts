import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  bytesMax,
  conversationsMax,
  entriesMax,
  FileConversations,
} from "../../../src/adapters/store/conversations.ts";
import { noUsage } from "../../../src/core/loop.ts";
import { createRedact } from "../../../src/core/redact.ts";
import type { ChatEntry, Conversation } from "../../../src/ports/chat.ts";

async function newHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "td-chats-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

const says = (text: string): ChatEntry => ({ from: "person", text, at: 1 });
const answers = (text: string): ChatEntry => ({
  from: "model",
  parts: [{ type: "text", text }],
  ...{ model: "a/b", ended: "done", reason: null, usage: noUsage, at: 2 },
});

function conversation(id: string, entries: readonly ChatEntry[], updatedAt = 1): Conversation {
  const head = { id, repo: "/r", title: "t", model: "a/b", createdAt: 1, updatedAt, asked: 1 };
  return { ...head, usage: noUsage, entries };
}

const secret = "a-secret-of-somebody";

test("what was said is there again, private and without secrets", async () => {
  const home = await newHome();
  const of = new FileConversations(home).for(createRedact([secret]));
  const id = await of.newId();
  await of.save(conversation(id, [says(`my key is ${secret}`), answers("I see.")]));
  const file = join(home, "chats", `${id}.jsonl`);
  expect(await readFile(file, "utf8")).not.toContain(secret);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(home, "chats"))).mode & 0o777).toBe(0o700);
  const again = await new FileConversations(home).read(id);
  expect(again?.entries).toEqual([says("my key is [redacted]"), answers("I see.")]);
  expect(await new FileConversations(home).for((text) => text).newId()).toBe("c2");
});

test("an id that is none of ours names no file", async () => {
  const home = await newHome();
  for (const id of ["../store", "c1/../c1", "", "c0"]) {
    expect(await new FileConversations(home).read(id)).toBeNull();
  }
});

test("the oldest entries leave, and what is kept begins with a question", async () => {
  const of = new FileConversations(await newHome()).for((text) => text);
  const many = Array.from({ length: entriesMax + 1 }, (_, n) =>
    n % 2 === 0 ? says(`${n}`) : answers(`${n}`),
  );
  const { entries } = await of.save(conversation("c1", many));
  expect([entries.length, entries[0]]).toEqual([entriesMax - 1, says("2")]);
  const large = [says("first"), answers("x".repeat(bytesMax)), says("last"), answers("y")];
  expect((await of.save(conversation("c1", large))).entries).toEqual(large.slice(2));
});

test("who was silent longest leaves when there are too many; each repository has its own", async () => {
  const home = await newHome();
  const of = new FileConversations(home).for((text) => text);
  for (let n = 1; n <= conversationsMax + 2; n += 1) {
    await of.save(conversation(`c${n}`, [says("a")], n));
  }
  expect(await readdir(join(home, "chats"))).toHaveLength(conversationsMax);
  const heads = await of.list("/r");
  expect([heads[0]?.id, heads.at(-1)?.id]).toEqual([`c${conversationsMax + 2}`, "c3"]);
  expect(await of.list("/elsewhere")).toEqual([]);
});
