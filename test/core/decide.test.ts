import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import { decide } from "../../src/core/decide.ts";
import type { LoopId } from "../../src/core/loop.ts";
import { loopOf } from "../../src/core/state.ts";
import {
  answerTo,
  base,
  brief,
  following,
  given,
  id,
  loop,
  moment,
  settings,
  spent,
} from "../given.ts";

const one = id("1");
const raise = {};

function turned(from: string, to: string, reason: string | null, more: object = {}) {
  return { type: "loop.status", loop: "1", data: { from, to, reason, ...more } };
}

function accepted(...events: readonly object[]) {
  return { ok: true, id: "1", events };
}

describe("what a person asks of a loop in each status", () => {
  const deeds: Readonly<Record<string, Command>> = {
    pause: { type: "pause", id: one },
    resume: { type: "resume", id: one, raise },
    retry: { type: "retry", id: one, raise },
    stop: { type: "stop", id: one },
    answer: { type: "answer", id: one, answer: "yes" },
    rollback: { type: "rollback", id: one, to: 0 },
    start: { type: "startAttempt", id: one, owner: "me" },
  };

  function answers(text: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(deeds).map(([name, command]) => [name, answerTo(given(text), command)]),
    );
  }

  test.each([
    [
      "1 draft",
      {
        pause: "1 is draft: there is nothing to pause",
        resume: '1 is draft: td approve 1, or td reject 1 --feedback "…"',
        retry: '1 is draft, not failed: td approve 1, or td reject 1 --feedback "…"',
        stop: "stopped",
        answer: "1 is draft and asks nothing: td questions lists who does",
        rollback: "draft",
        start: "1 is draft, not pending",
      },
    ],
    [
      "1 pending",
      {
        pause: "paused",
        resume: "1 is pending: td why 1 says what it waits for",
        retry: "1 is pending, not failed: td why 1 says what it waits for",
        stop: "stopped",
        answer: "1 is pending and asks nothing: td questions lists who does",
        rollback: "pending",
        start: "running",
      },
    ],
    [
      "1 running",
      {
        pause: "paused",
        resume: "1 is running: it is at work, td logs 1 -f follows it",
        retry: "1 is running, not failed: it is at work, td logs 1 -f follows it",
        stop: "stopped",
        answer: "1 is running and asks nothing: td questions lists who does",
        rollback: "1 is running: pause or stop it first",
        start: "1 is running, not pending",
      },
    ],
    [
      "1 paused from running",
      {
        pause: "1 is paused: there is nothing to pause",
        resume: "pending",
        retry: "1 is paused, not failed: td resume 1",
        stop: "stopped",
        answer: "1 is paused and asks nothing: td questions lists who does",
        rollback: "paused",
        start: "1 is paused, not pending",
      },
    ],
    [
      "1 blocked on question",
      {
        pause: "paused",
        resume: "1 waits for an answer: td answer 1 …",
        retry: "1 is blocked, not failed: td why 1 says what it waits for",
        stop: "stopped",
        answer: "pending",
        rollback: "blocked",
        start: "1 is blocked, not pending",
      },
    ],
    [
      "1 delegated",
      {
        pause: "paused",
        resume: "1 is delegated: it is at work, td logs 1 -f follows it",
        retry: "1 is delegated, not failed: it is at work, td logs 1 -f follows it",
        stop: "stopped",
        answer: "1 is delegated and asks nothing: td questions lists who does",
        rollback: "delegated",
        start: "1 is delegated, not pending",
      },
    ],
    [
      "1 complete",
      {
        pause: "1 is complete: there is nothing to pause",
        resume: "1 is complete: it has ended, td run starts another",
        retry: "1 is complete, not failed: it has ended, td run starts another",
        stop: "1 is already complete",
        answer: "1 is complete and asks nothing: td questions lists who does",
        rollback: "1 is complete: only what has not ended can be taken back",
        start: "1 is complete, not pending",
      },
    ],
    [
      "1 failed",
      {
        pause: "1 is failed: there is nothing to pause",
        resume: "1 is failed: td retry 1",
        retry: "pending",
        stop: "stopped",
        answer: "1 is failed and asks nothing: td questions lists who does",
        rollback: "failed",
        start: "1 is failed, not pending",
      },
    ],
    [
      "1 stopped",
      {
        pause: "1 is stopped: there is nothing to pause",
        resume: "1 is stopped: it has ended, td run starts another",
        retry: "1 is stopped, not failed: it has ended, td run starts another",
        stop: "1 is already stopped",
        answer: "1 is stopped and asks nothing: td questions lists who does",
        rollback: "1 is stopped: only what has not ended can be taken back",
        start: "1 is stopped, not pending",
      },
    ],
  ])("%s", (text, expected) => {
    expect(answers(text)).toEqual(expected);
  });
});

describe("blocked loops", () => {
  test.each([
    ["gate", "1 waits for an answer: td answer 1 …", "1 asks about its gate: answer allow or deny"],
    ["question", "1 waits for an answer: td answer 1 …", "pending"],
    ["stuck", "pending", "pending"],
    ["key", "pending", "1 is blocked on key: td resume 1"],
    ["setup", "pending", "1 is blocked on setup: td resume 1"],
    ["conflict", "pending", "1 is blocked on conflict: td resume 1"],
    ["budget", "pending", "1 is blocked on budget: td resume 1"],
    [
      "child",
      "1 is held up (its child 1.1 failed): td retry 1 tries that once more",
      "1 is blocked on child: td resume 1",
    ],
  ] as const)("on %s: resume, and an answer", (on, resumed, answered) => {
    const state = () => given(loop("1 blocked", { blockedOn: on, reason: "its child 1.1 failed" }));
    expect(answerTo(state(), { type: "resume", id: one, raise })).toBe(resumed);
    expect(answerTo(state(), { type: "answer", id: one, answer: "a hint" })).toBe(answered);
  });

  const gate = loop("1 blocked on gate", {
    gateAsked: ["check.sh"],
    reason: "check.sh was changed",
  });

  test("allow lets the paths change and the checkpoint be judged again", () => {
    const answer = { type: "answer", id: one, answer: "allow" } as const;
    expect(decide(given(gate), answer, moment)).toEqual(
      accepted(
        { type: "loop.allowed", loop: "1", data: { paths: ["check.sh"] } },
        {
          type: "loop.answered",
          loop: "1",
          data: { question: "check.sh was changed", answer: "allow" },
        },
        turned("blocked", "pending", null),
      ),
    );
    const allowed = loopOf(following(given(gate), answer), one);
    expect(allowed).toMatchObject({ gateAllowed: ["check.sh"], gateAsked: [], rejudge: true });
  });

  test("deny sends it back to work", () => {
    const denied = following(given(gate), { type: "answer", id: one, answer: "deny" });
    expect(loopOf(denied, one)).toMatchObject({
      status: "pending",
      gateAllowed: [],
      rejudge: false,
      answers: [{ question: "check.sh was changed", answer: "deny" }],
    });
  });

  test("a pause does not forget what was asked", () => {
    const state = given(gate);
    following(state, { type: "pause", id: one }, { type: "resume", id: one, raise });
    expect(loopOf(state, one)).toEqual({ ...gate, stuckFrom: 0, updatedAt: 100 });
    following(state, { type: "answer", id: one, answer: "allow" });
    expect(loopOf(state, one).gateAllowed).toEqual(["check.sh"]);
  });

  test("who answers at the last iteration grants more of them", () => {
    const state = given(loop("1 blocked on stuck", { iteration: 10 }));
    following(state, { type: "answer", id: one, answer: "try the other file" });
    expect(loopOf(state, one).settings.iterationsMax).toBe(20);
  });

  test("a spent budget needs a higher one", () => {
    const poor = loop("1 blocked on budget", {
      settings: { ...settings, budgetUsd: 1 },
      usage: spent(10, 1),
    });
    for (const tooLittle of [raise, { budgetUsd: 0.5 }]) {
      expect(answerTo(given(poor), { type: "resume", id: one, raise: tooLittle })).toBe(
        "1 has spent its budget: resume it with a higher --budget",
      );
    }
    expect(
      decide(given(poor), { type: "resume", id: one, raise: { budgetUsd: 5 } }, moment),
    ).toEqual(
      accepted(
        { type: "loop.raised", loop: "1", data: { budgetUsd: 5 } },
        turned("blocked", "pending", null),
      ),
    );
  });

  test("a new day lets go on who has spent its own budget meanwhile: its attempt says so", () => {
    const waits = loop("1 blocked on budget", {
      settings: { ...settings, budgetUsd: 1 },
      usage: spent(10, 1),
      blockedUntil: 50,
    });
    expect(decide(given(waits), { type: "resume", id: one, raise }, moment)).toEqual(
      accepted(turned("blocked", "pending", null)),
    );
  });
});

describe("a new loop", () => {
  test("is numbered after the roots before it", () => {
    const command = { type: "createLoop", loop: brief({ dependsOn: [one] }) } as const;
    expect(decide(given("1 failed", "2 delegated", "2.1 pending"), command, moment)).toEqual({
      ok: true,
      id: "3",
      events: [{ type: "loop.created", loop: "3", data: brief({ dependsOn: [one] }) }],
    });
  });

  test("cannot wait for what does not exist, nor be put under a parent from outside", () => {
    const waits = brief({ dependsOn: [id("9")] });
    expect(answerTo(given(), { type: "createLoop", loop: waits })).toBe(
      "there is no loop 9 to wait for: td list shows all",
    );
    const child = brief({ parent: one });
    expect(answerTo(given("1 running"), { type: "createLoop", loop: child })).toBe(
      "1 begets its children itself",
    );
  });
});

describe("several new loops", () => {
  const asked = (dependsOn: LoopId[], ...afterEarlier: number[]) => ({
    loop: brief({ dependsOn }),
    afterEarlier,
  });

  test("are one decision, and may wait for those before them", () => {
    const command = {
      type: "createLoops",
      asked: [asked([one]), asked([]), asked([one, one], 0, 1)],
    } as const;
    const decision = decide(given("1 failed"), command, moment);
    const events = decision.ok ? decision.events : [];
    expect(
      events.map((event) => [event.loop, event.type === "loop.created" && event.data.dependsOn]),
    ).toEqual([
      ["2", ["1"]],
      ["3", []],
      ["4", ["1", "2", "3"]],
    ]);
  });

  test("are refused together, with the one that is wrong", () => {
    const many = Array.from({ length: 600 }, () => one);
    const positions = Array.from({ length: 401 }, () => 0);
    const wrong = [
      [asked([id("9")]), "there is no loop 9 to wait for: td list shows all (request 2)"],
      [asked([], 1), "it waits for one that does not come before it (request 2)"],
      [asked([], -1), "it waits for one that does not come before it (request 2)"],
      [asked(many, ...positions), "a loop waits for at most 1000 others, not 1001 (request 2)"],
    ] as const;
    for (const [each, reason] of wrong) {
      const command = { type: "createLoops", asked: [asked([]), each] } as const;
      expect(answerTo(given("1 failed"), command)).toBe(reason);
    }
    expect(answerTo(given(), { type: "createLoops", asked: [] })).toBe("nothing is asked for");
  });
});

test("a command about a loop that does not exist is refused", () => {
  expect(answerTo(given(), { type: "pause", id: one })).toBe(
    "there is no loop 1: td list shows all",
  );
});

test("an attempt starts with the next number", () => {
  expect(
    decide(given("1 pending attempt 3"), { type: "startAttempt", id: one, owner: "me" }, moment),
  ).toEqual(
    accepted(
      { type: "attempt.started", loop: "1", data: { attempt: 4, owner: "me" } },
      turned("pending", "running", null),
    ),
  );
});

test("an attempt does not start before its dependencies are complete", () => {
  const state = given("1 pending after 2,3", "2 complete", "3 stopped");
  expect(answerTo(state, { type: "startAttempt", id: one, owner: "me" })).toBe("1 waits for 3");
});

test("who was chosen for a turn in a merge queue and has left it since does not start", () => {
  const start = { type: "startAttempt", id: one, owner: "me" } as const;
  const waiting = () => given(loop("1 pending", { merge: { target: "main", since: 0 } }));
  const left = () => given("1 pending");
  expect(answerTo(waiting(), { ...start, isTurn: true })).toBe("running");
  expect(answerTo(left(), { ...start, isTurn: false })).toBe("running");
  expect(answerTo(left(), { ...start, isTurn: true })).toBe("1 has moved on");
  expect(answerTo(waiting(), { ...start, isTurn: false })).toBe("1 has moved on");
});

describe("rollback", () => {
  const two = loop("1 paused from pending", { checkpoints: ["c1", "c2"], iteration: 2 });

  test("goes to a checkpoint, or to the base", () => {
    expect(decide(given(two), { type: "rollback", id: one, to: 1 }, moment)).toEqual(
      accepted({ type: "loop.rolledBack", loop: "1", data: { to: 1, commit: "c1" } }),
    );
    expect(decide(given(two), { type: "rollback", id: one, to: 0 }, moment)).toEqual(
      accepted({ type: "loop.rolledBack", loop: "1", data: { to: 0, commit: base } }),
    );
  });

  test.each([-1, 3, 1.5, Number.NaN])("to %s is refused", (to) => {
    expect(answerTo(given(two), { type: "rollback", id: one, to })).toBe(
      "1 has iterations 1 to 2 (0 is the base)",
    );
  });
});

test("retry of what ran out of iterations grants as many again", () => {
  const state = given(loop("1 failed", { iteration: 10 }));
  following(state, { type: "retry", id: one, raise: {} });
  expect(loopOf(state, one).settings.iterationsMax).toBe(20);
  const other = given(loop("1 failed", { iteration: 10 }));
  following(other, { type: "retry", id: one, raise: { iterationsMax: 12 } });
  expect(loopOf(other, one).settings.iterationsMax).toBe(12);
});
