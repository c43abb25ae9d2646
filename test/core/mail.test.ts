import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import { type Decision, decide } from "../../src/core/decide.ts";
import type { Event, Transaction } from "../../src/core/events.ts";
import { isSettled, type LoopId } from "../../src/core/loop.ts";
import {
  boxMax,
  deadLetters,
  deadMax,
  isUnread,
  keptMs,
  type Letter,
  type MessageId,
  mailMax,
  nextExpiryAt,
  queriesMax,
  waitingFor,
} from "../../src/core/message.ts";
import { restore, snapshotOf } from "../../src/core/snapshot.ts";
import { adopt, apply, emptyState, type MutableState, touchedBy } from "../../src/core/state.ts";
import { pathOfWaits, waitsOf } from "../../src/core/wait-graph.ts";
import { given, id, loop, moment, progress, verdict } from "../given.ts";

const m = (name: string) => name as MessageId;
const share = (to: string, body = "hello"): Letter => ({ kind: "share", to: id(to), body });
const query = (to: string, timeoutMs = 1_000): Letter => ({
  kind: "query",
  to: id(to),
  body: "why?",
  timeoutMs,
});
const stop = (to: string): Letter => ({ kind: "stop", to: id(to), body: "enough" });
const alert: Letter = { kind: "alert", topic: "api", body: "it changed" };
const send = (from: string, letter: Letter, attempt = 1): Command => ({
  type: "send",
  id: id(from),
  attempt,
  letter,
});
const tell = (letter: Letter): Command => ({ type: "tell", letter, repo: "/repo", plan: null });

/** Decides and applies; throws on a refusal. */
function does(state: MutableState, command: Command, now = moment.now): readonly Event[] {
  const decision = decide(state, command, { ...moment, now });
  if (!decision.ok) throw new Error(decision.reason);
  for (const event of decision.events) apply(state, event, now);
  return decision.events;
}

function refusal(state: MutableState, command: Command): string | null {
  const decision: Decision = decide(state, command, moment);
  return decision.ok ? null : decision.reason;
}

function receive(state: MutableState, to: string): readonly MessageId[] {
  const messages = waitingFor(state, id(to)).map((each) => each.id);
  does(state, { type: "receive", id: id(to), attempt: 1, messages });
  return messages;
}

const endIteration = (name: string): Command => ({
  type: "finishIteration",
  id: id(name),
  attempt: 1,
  commit: "c".repeat(40),
  verdict: verdict(),
  progress: progress(1),
});
const interrupt = (name: string): Command => ({
  type: "finishAttempt",
  id: id(name),
  attempt: 1,
  outcome: { type: "interrupted", during: "a turn", reason: "drained", notBeforeAt: 0 },
});

describe("a message", () => {
  test("is read once its conversation came to its end, and leaves the state", () => {
    const state = given("1 running", "2 running");
    does(state, send("1", share("2")));
    expect(receive(state, "2")).toEqual(["m1"]);
    expect(waitingFor(state, id("2"))).toEqual([]);
    expect(state.mail.get(m("m1"))?.status).toBe("delivered");
    does(state, endIteration("2"));
    expect(state.mail.size).toBe(0);
  });

  test("waits again when its conversation is broken off, or never saw it", () => {
    const state = given("1 running", "2 running");
    does(state, send("1", share("2")));
    receive(state, "2");
    does(state, { type: "handBack", id: id("2"), attempt: 1, messages: [m("m1")] });
    expect(waitingFor(state, id("2"))).toHaveLength(1);
    receive(state, "2");
    does(state, interrupt("2"));
    expect(waitingFor(state, id("2"))).toHaveLength(1);
  });

  test("to a loop that reads no more is a dead letter, and can be sent again or dropped", () => {
    const state = given("1 running", "2 failed");
    does(state, send("1", share("2")));
    expect(deadLetters(state)).toMatchObject([
      { id: "m1", reason: "2 is failed and reads no more" },
    ]);
    const again: Command = { type: "requeueMail", message: m("m1") };
    expect(refusal(state, again)).toContain("retry the loop first");
    does(state, { type: "retry", id: id("2"), raise: {} });
    does(state, again);
    expect(waitingFor(state, id("2"))).toHaveLength(1);
    expect(refusal(state, { type: "dropMail", message: m("m1") })).toContain("no dead letter m1");
    does(state, { type: "stop", id: id("2") });
    expect(deadLetters(state)).toHaveLength(1);
    does(state, { type: "dropMail", message: m("m1") });
    expect(state.mail.size).toBe(0);
  });

  test("that nobody reads in time is a dead letter; what a conversation holds is not taken", () => {
    const state = given("1 running", "2 pending", "3 running");
    does(state, send("1", share("2")));
    does(state, send("1", share("3")));
    receive(state, "3");
    expect(nextExpiryAt(state)).toBe(moment.now + keptMs);
    does(state, { type: "expireMail" }, moment.now + keptMs - 1);
    expect(deadLetters(state)).toHaveLength(0);
    does(state, { type: "expireMail" }, moment.now + keptMs);
    expect(deadLetters(state)).toMatchObject([{ id: "m1", reason: "nobody read it in time" }]);
    expect(nextExpiryAt(state)).toBeNull();
  });

  test("stays in its repository", () => {
    const state = given("1 running", loop("2 running", { repo: "/other" }), "3 running");
    expect(refusal(state, send("1", share("2")))).toBe(
      "there is no loop 2 in your repository; there is 3",
    );
    expect(refusal(state, send("1", share("1")))).toBe("1 is yourself");
    does(state, send("1", alert));
    expect(waitingFor(state, id("2"))).toEqual([]);
    expect(waitingFor(state, id("3"))).toHaveLength(1);
  });

  test("is refused where a box is full or it is too long", () => {
    const state = given("1 running", "2 running");
    for (let count = 0; count < boxMax; count += 1) does(state, send("1", share("2")));
    expect(refusal(state, send("1", share("2")))).toContain("the mailbox of 2 is full");
    expect(refusal(state, send("1", alert))).toContain("everybody's mailbox is full");
    expect(refusal(state, send("1", share("2", "x".repeat(10_001))))).toContain("cut it");
    expect(refusal(state, send("1", share("2", " ")))).toContain("says nothing");
  });

  test("speaks for nobody who lost the lease", () => {
    const state = given("1 running", "2 running");
    expect(refusal(state, send("1", share("2"), 7))).toContain("moved on");
  });
});

test("an alert goes to the loops of the same plan, or to those without one", () => {
  const plan = ["7 delegated", "7.1 running", "7.2 running", "7.3 complete", "7.4 pending"];
  const state = given(...plan, "8 running", "9 running");
  const heard = (command: Command) => does(state, command).map((event) => event.loop);
  expect(heard(send("7.1", alert))).toEqual(["7.2", "7.4"]);
  expect(heard(send("8", alert))).toEqual(["9"]);
  expect(heard(tell(alert))).toEqual(["7.1", "7.2", "7.4", "8", "9"]);
  const ofPlan: Command = { type: "tell", letter: alert, repo: "/repo", plan: id("7") };
  expect(heard(ofPlan)).toEqual(["7.1", "7.2", "7.4"]);
});

describe("a question", () => {
  test("is answered by a message to who asked, whatever became of the asking conversation", () => {
    const state = given("1 running", "2 running");
    does(state, send("1", query("2")));
    expect(waitsOf(state, id("1"))).toHaveLength(1);
    receive(state, "2");
    does(state, interrupt("1"));
    expect(waitsOf(state, id("1"))).toEqual([]);
    does(state, { type: "reply", id: id("2"), attempt: 1, query: m("m1"), answer: "so" });
    expect(waitingFor(state, id("1"))).toMatchObject([
      { kind: "reply", from: "2", body: "so", about: { query: "m1", question: "why?" } },
    ]);
    expect(
      refusal(state, { type: "reply", id: id("2"), attempt: 1, query: m("m1"), answer: "so" }),
    ).toBe("there is no open question m1 for you: nobody asks you anything");
  });

  test("is shown again to the next conversation until it is answered or its time is up", () => {
    const state = given("1 running", "2 running");
    does(state, send("1", query("2")));
    receive(state, "2");
    does(state, endIteration("2"));
    expect(waitingFor(state, id("2"))).toHaveLength(1);
    receive(state, "2");
    does(state, { type: "expireMail" }, moment.now + 1_000);
    expect(deadLetters(state)).toMatchObject([{ reason: "no answer in time" }]);
  });

  test("of a person keeps its answer for a while", () => {
    const state = given("1 running");
    does(state, tell(query("1")));
    receive(state, "1");
    does(state, { type: "reply", id: id("1"), attempt: 1, query: m("m1"), answer: "yes" });
    expect(state.mail.get(m("m1"))).toMatchObject({ status: "answered", answer: "yes" });
    const until = nextExpiryAt(state) ?? 0;
    does(state, { type: "expireMail" }, until);
    expect(state.mail.size).toBe(0);
  });

  test("that closes a cycle of waits dies with the cycle named; the others stand", () => {
    const state = given("1 running", "2 running", "3 running");
    does(state, send("1", query("2")));
    does(state, send("2", query("3")));
    does(state, send("3", query("1")));
    expect(deadLetters(state)).toMatchObject([
      {
        id: "m3",
        reason: "a cycle of waits, 3 → 1 → 2 → 3: the youngest question gives way",
      },
    ]);
    expect(waitsOf(state, id("1"))).toHaveLength(1);
    expect(waitsOf(state, id("2"))).toHaveLength(1);
  });

  test("to a loop that is not at work is no wait, and waits in its box until its time is up", () => {
    const state = given("1 running", "2 blocked on question", "3 paused from running");
    for (const to of ["2", "3"]) does(state, send("1", query(to)));
    expect(waitsOf(state, id("1"))).toEqual([]);
    expect(waitingFor(state, id("2"))).toHaveLength(1);
  });

  test("has company up to a bound, and dies with who asked or is asked", () => {
    const state = given("1 running", "2 running", "3 running");
    for (let count = 0; count < queriesMax; count += 1) does(state, send("1", query("2")));
    expect(refusal(state, send("1", query("2")))).toContain(
      `you have ${queriesMax} open questions`,
    );
    does(state, send("2", query("3")));
    does(state, { type: "stop", id: id("2") });
    expect(deadLetters(state)).toHaveLength(queriesMax + 1);
  });
});

describe("stop", () => {
  test("reaches what is below and beside, in the same decision, and nothing else", () => {
    const state = given(
      ...["7 running", "7.1 running", "7.1.1 running", "7.2 pending"],
      ...["8 running", "9 complete", "10 delegated", "10.1 running"],
    );
    for (const [from, to] of [
      ["7.1", "7"],
      ["7.1", "8"],
      ["8", "7.1"],
      ["8", "7"],
      ["7.1.1", "7.2"],
    ] as const) {
      expect(refusal(state, send(from, stop(to)))).toContain("you may stop only loops below you");
    }
    expect(refusal(state, send("8", stop("9")))).toBe("9 is already complete");
    const events = does(state, send("7", stop("7.1")));
    expect(events.map(({ type, loop: of }) => `${type} ${of}`)).toEqual([
      "message.sent 7.1",
      "message.read 7.1",
      "attempt.ended 7.1.1",
      "loop.status 7.1.1",
      "attempt.ended 7.1",
      "loop.status 7.1",
    ]);
    expect(state.loops.get(id("7.1"))).toMatchObject({
      status: "stopped",
      reason: "stopped by loop 7: enough",
    });
    does(state, tell(stop("10.1")));
    expect(state.loops.get(id("10"))).toMatchObject({ status: "blocked", blockedOn: "child" });
  });
});

// ── properties ───────────────────────────────────────────────────────────────────────────────

const names = ["1", "2", "3", "4", "4.1", "4.2", "5"].map(id);
const step = fc.record({
  deed: fc.nat(15),
  a: fc.constantFrom(...names),
  b: fc.constantFrom(...names),
  n: fc.nat(60),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function commandOf({ deed, a, b, n }: Step, state: MutableState): Command {
  const attempt = state.loops.get(a)?.attempt ?? 0;
  const mine = { id: a, attempt };
  const letter = [...state.mail.keys()][n % Math.max(1, state.mail.size)] ?? m("m1");
  const mail = [...state.mail.values()].filter(({ to }) => to === a);
  const messages = mail.map((each) => each.id).slice(0, 1 + (n % 4));
  const open = mail.find(({ kind }) => kind === "query")?.id ?? letter;
  const commands: readonly Command[] = [
    send(a, share(b), attempt),
    send(a, query(b, 1 + n * 10), attempt),
    send(a, query(b, 1 + n * 10), attempt),
    send(a, alert, attempt),
    n < 8 ? send(a, stop(b), attempt) : { type: "handBack", ...mine, messages },
    { type: "receive", ...mine, messages },
    { type: "receive", ...mine, messages },
    { type: "reply", ...mine, query: open, answer: "so" },
    { type: "expireMail" },
    tell(n % 2 === 0 ? query(b, 50) : share(b)),
    { type: "requeueMail", message: letter },
    { type: "dropMail", message: letter },
    interrupt(a),
    { type: "startAttempt", id: a, owner: "test" },
    { ...endIteration(a), progress: progress((state.loops.get(a)?.iteration ?? 0) + 1) } as Command,
    n < 4 ? { type: "stop", id: a } : { type: "retry", id: a, raise: {} },
  ];
  return commands[deed] as Command;
}

test("every message is read once or dead, no cycle stands, and the log is the state", () => {
  const run = (steps: readonly Step[]) => {
    const first = () =>
      given(
        "1 running",
        "2 running",
        "3 running",
        "4 running",
        "4.1 running",
        "4.2 running",
        "5 pending",
      );
    const [state, durable, log] = [first(), first(), [] as Transaction[]];
    const lives = new Map<MessageId, string[]>();
    for (const [index, each] of steps.entries()) {
      const now = 100 + index * 7;
      const decision = decide(state, commandOf(each, state), { ...moment, now });
      if (!decision.ok) continue;
      const touched = decision.events.map((event) => {
        apply(state, event, now);
        if ("id" in event.data && event.type.startsWith("message.")) {
          const name = event.data.id as MessageId;
          lives.set(name, [...(lives.get(name) ?? []), event.type.slice(8)]);
        }
        return touchedBy(state, event);
      });
      adopt(durable, touched);
      log.push({ seq: index, at: now, events: decision.events });
      checkMail(state);
    }
    for (const life of lives.values()) checkLife(life);
    expect(durable).toEqual(state);
    const again = first();
    for (const { events, at } of log) for (const event of events) apply(again, event, at);
    expect(again).toEqual(state);
    const { state: restored } = restore(snapshotOf(state, 1));
    expect([restored.mail, restored.messagesSent]).toEqual([state.mail, state.messagesSent]);
  };
  fc.assert(fc.property(fc.array(step, { minLength: 30, maxLength: 200, size: "max" }), run), {
    numRuns: 300,
  });
});

/** What may follow what in the life of a message. */
const successors: Readonly<Record<string, readonly string[]>> = {
  sent: ["delivered", "read", "dead", "answered"],
  delivered: ["read", "returned", "dead", "answered"],
  returned: ["delivered", "dead", "answered"],
  dead: ["requeued", "dropped"],
  requeued: ["delivered", "dead", "answered"],
  answered: ["dropped"],
  read: [],
  dropped: [],
};

function checkLife(life: readonly string[]): void {
  for (const [index, what] of life.entries()) {
    const before = life[index - 1];
    const allowed = before === undefined ? ["sent"] : (successors[before] ?? []);
    expect([life, allowed]).toEqual([life, expect.arrayContaining([what])]);
  }
}

function checkMail(state: MutableState): void {
  expect(state.mail.size).toBeLessThanOrEqual(mailMax);
  expect(deadLetters(state).length).toBeLessThanOrEqual(deadMax);
  for (const [name, each] of state.loops) {
    const unread = [...state.mail.values()].filter(({ to }) => to === name).filter(isUnread);
    expect(unread.length).toBeLessThanOrEqual(2 * boxMax);
    if (isSettled(each)) expect(unread).toEqual([]);
    if (each.status !== "running") {
      expect(unread.filter(({ status }) => status === "delivered")).toEqual([]);
    }
    for (const { to } of waitsOf(state, name)) {
      expect(pathOfWaits(state, to, name as LoopId)).toBeNull();
    }
  }
}

test("dead letters beyond a bound push out the oldest", () => {
  const state = given("1 running", "2 complete");
  for (let count = 0; count < deadMax + 3; count += 1) does(state, send("1", share("2")));
  expect(deadLetters(state)).toHaveLength(deadMax);
  expect(deadLetters(state)[0]?.id).toBe("m4");
  expect(emptyState().mail.size).toBe(0);
});
