import { kill } from "node:process";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { MessageView } from "../../src/views/message-view.ts";
import type { QuestionView } from "../../src/views/questions.ts";
import {
  expectDone,
  guardianOf,
  pidOf,
  runDetached,
  show,
  signFiles,
  until,
  untilStatus,
  withDaemon,
} from "./daemon-support.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import { done, loopTimeoutMs, read, removePlaces, type ToolCall, write } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

/** What each loop's model does next, given all that its conversation says. */
type Mind = (loop: string, text: string) => ToolCall;

const latencyMs = 100;

function minded(mind: Mind): Policy {
  return ({ text }) => {
    const loop = /# Loop (\S+), iteration/.exec(text)?.[1] ?? "";
    const { name, input } = mind(loop, text);
    return { tools: [{ name, input: { ...input } }], "latency-ms": latencyMs };
  };
}

const think: ToolCall = { name: "todo", input: { items: [{ text: "think", status: "pending" }] } };
const ask = (to: string): ToolCall => ({
  name: "query",
  input: { to, question: "What is it called?" },
});
const reply = (id: string): ToolCall => ({
  name: "reply",
  input: { query_id: id, answer: "It is called x." },
});

/** Mends the repository of signFiles, step by step, for any number of loops. */
function mending(): (loop: string) => ToolCall {
  const steps = new Map<string, number>();
  return (loop) => {
    const step = steps.get(loop) ?? 0;
    steps.set(loop, step + 1);
    return [read("sum.txt"), write("sum.txt", "plus\n")][step] ?? done;
  };
}

const deadLetters = async (desk: Desk) =>
  jsonOf<MessageView[]>(await expectDone(td(desk, ["--json", "dead-letters"])));

test("two loops ask each other: the younger question fails with the cycle named, both complete", () => {
  const mend = mending();
  const [started, asked, replied] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const mind: Mind = (loop, text) => {
    started.add(loop);
    if (started.size < 2) return think;
    const isFirst = !asked.has(loop);
    asked.add(loop);
    if (isFirst) return ask(loop === "1" ? "2" : "1");
    if (!text.includes("a cycle of waits") || replied.has(loop)) return mend(loop);
    replied.add(loop);
    return reply("m1");
  };
  return withDaemon(
    minded(mind),
    async (desk) => {
      const ids = [(await runDetached(desk)).id, (await runDetached(desk)).id];
      for (const id of ids) await untilStatus(desk, id, "complete");
      for (const id of ids) expect((await show(desk, id)).attempt).toBe(1);
      const [letter, ...others] = await deadLetters(desk);
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ id: "m2", kind: "query", status: "dead" });
      expect(letter?.reason).toMatch(/^a cycle of waits, (?:1 → 2 → 1|2 → 1 → 2): the youngest/);
      expect([...replied]).toEqual([letter?.from]);
    },
    { files: signFiles },
  );
});

const boss = `name: boss
description: May stop others.
prompt: boss.md.hbs
tools:
  - read
  - write
  - todo
  - stop_loop
  - complete_task
`;

const bossPrompt = {
  ".taskdaemon/loops/boss.md.hbs":
    "# Loop {{id}}, iteration {{iteration}} of at most 9\n{{brief}}\n",
};

test("a loop that another stops asks its model for nothing more, whatever that model wants", () => {
  const mend = mending();
  const calls = { "1": 0, "2": 0 };
  let told = false;
  const mind: Mind = (loop) => {
    if (loop === "1") {
      calls["1"] += 1;
      return think;
    }
    if (calls["1"] === 0) return think;
    const isFirst = !told;
    told = true;
    if (!isFirst) return mend(loop);
    return { name: "stop_loop", input: { to: "1", reason: "nobody needs it" } };
  };
  return withDaemon(
    minded(mind),
    async (desk) => {
      const { id } = await runDetached(desk);
      const args = ["--json", "run", "boss", "Stop it.", "--validate", "./check.sh", "--detach"];
      await expectDone(td(desk, args));
      await untilStatus(desk, id, "stopped");
      expect((await show(desk, id)).reason).toBe("stopped by loop 2: nobody needs it");
      // A call that was under way may have reached the server; no other follows.
      await setTimeout(5 * latencyMs);
      const count = calls["1"];
      await untilStatus(desk, "2", "complete");
      await setTimeout(5 * latencyMs);
      expect(calls["1"]).toBe(count);
    },
    { files: { ...signFiles, ".taskdaemon/loops/boss.yml": boss, ...bossPrompt } },
  );
});

test("people write to loops: answers come back, and messages outlive kill -9 and a stopped loop", () => {
  const mend = mending();
  const seen: string[] = [];
  const key = `ghp_${"a1".repeat(18)}`;
  let wasAsked = false;
  const mind: Mind = (loop, text) => {
    if (loop === "2") {
      return text.includes("→ Use x.")
        ? mend(loop)
        : { name: "ask_person", input: { question: "Which name?" } };
    }
    if (text.includes("the port is 8080")) seen.push(text);
    if (seen.length > 0) return mend(loop);
    if (!text.includes("How far are you?") || wasAsked) return think;
    wasAsked = true;
    return reply("m1");
  };
  return withDaemon(
    minded(mind),
    async (desk) => {
      const { id } = await runDetached(desk);
      await untilStatus(desk, id, "running");
      const answer = await expectDone(td(desk, ["-q", "send", "query", id, "How far are you?"]));
      expect(answer.stdout).toBe("It is called x.\n");
      await expectDone(td(desk, ["pause", id]));
      await expectDone(td(desk, ["send", "share", id, `the port is 8080, ${key}`]));
      await killAll(desk);
      await expectDone(td(desk, ["start"]));
      await expectQuestion(desk);
      await expectDone(td(desk, ["resume", id]));
      await untilStatus(desk, id, "complete");
      expect(seen[0]).toContain("a person shares:\n  the port is 8080, [redacted]");
      expect(seen.join()).not.toContain(key);
      const audited = await expectDone(td(desk, ["--json", "audit", "list"]));
      expect(audited.stdout).toContain("the port is 8080");
      expect(audited.stdout).not.toContain(key);
      await expectDeadLetter(desk, id);
    },
    { files: signFiles },
  );
});

async function killAll(desk: Desk): Promise<void> {
  const pid = pidOf(desk);
  if (pid === null) throw new Error("no daemon has the home");
  kill(await guardianOf(desk), "SIGKILL");
  kill(pid, "SIGKILL");
}

/** A second loop waits for a person, and goes on with the answer. */
async function expectQuestion(desk: Desk): Promise<void> {
  const { id } = await runDetached(desk);
  await untilStatus(desk, id, "blocked");
  const asked = jsonOf<QuestionView[]>(await expectDone(td(desk, ["--json", "questions"])));
  expect(asked).toMatchObject([{ id, about: "question", question: "Which name?", holdsUp: 0 }]);
  const why = await expectDone(td(desk, ["why", id]));
  expect(why.stdout).toContain("Which name?");
  await expectDone(td(desk, ["answer", id, "Use x."]));
  await untilStatus(desk, id, "complete");
}

/** What is sent to a loop that reads no more is kept, cannot be requeued there, and can be dropped. */
async function expectDeadLetter(desk: Desk, id: string): Promise<void> {
  const told = await td(desk, ["send", "share", id, "too late"]);
  expect(told).toMatchObject({ code: 1, stdout: "" });
  expect(told.stderr).toContain("reads no more");
  const [letter] = await deadLetters(desk);
  expect(letter).toMatchObject({ to: id, from: "person", body: "too late" });
  expect(await td(desk, ["dead-letters", "requeue", letter?.id ?? ""])).toMatchObject({ code: 2 });
  await expectDone(td(desk, ["dead-letters", "drop", letter?.id ?? ""]));
  await until("it is gone", async () => (await deadLetters(desk)).length === 0);
}
