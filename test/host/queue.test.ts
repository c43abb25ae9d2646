import { expect, test } from "vitest";
import { kindOf } from "../../src/host/queue.ts";
import { given, id, loop, verdict } from "../given.ts";

const target = "taskdaemon/plan-1";
const lane = (...waiting: string[]) => ({
  repo: "/repo",
  target,
  merging: null,
  waiting: waiting.map(id),
});

test("a lane says who is in it as one batch, and what it is for where that is no merge", () => {
  const laid = (text: string, judgedAt: string) =>
    loop(text, {
      merge: { target, since: 0 },
      verdict: verdict({ passed: true, commit: text, judgedAt }),
    });
  const asked = loop("4 complete", { merge: { target: "main", since: 0, as: "pr" } });
  const state = given(laid("1 pending", "e"), laid("2 pending", "e"), "3 pending", asked);
  expect(kindOf(state, lane("1", "2", "3"))).toEqual({ batch: ["1", "2"] });
  expect(kindOf(state, lane("3"))).toEqual({});
  expect(kindOf(state, lane("4"))).toEqual({ as: "pr" });
});
