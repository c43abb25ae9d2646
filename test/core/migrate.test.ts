import { expect, test } from "vitest";
import { formatVersion, upgrade } from "../../src/core/migrate.ts";
import { brief, settings } from "../given.ts";

const created = { type: "loop.created", loop: "1", data: brief() };

test("events of this version are taken as they are", () => {
  const events = [{ type: "attempt.started", loop: "1", data: { attempt: 1, owner: "a" } }];
  expect(upgrade(events, formatVersion)).toBe(events);
  expect(upgrade([created], formatVersion)).toEqual([created]);
});

test("settings that a log does not have yet get what they stood for", () => {
  const { fallback: _, escalation: __, worktree, gate, ...old } = settings;
  const { setupNetworkAllow: ___, ...oldWorktree } = worktree;
  const { protect: ____, ...oldGate } = gate;
  const data = { ...brief(), settings: { ...old, worktree: oldWorktree, gate: oldGate } };
  expect(upgrade([{ ...created, data }], formatVersion)).toEqual([created]);
});

test("drafts get today's statuses and fields", () => {
  const status = (data: object) => ({ type: "loop.status", loop: "1", data });
  const drafts = [
    { ...created, data: { ...brief(), status: "queued", priority: undefined } },
    status({ from: "queued", to: "running" }),
    { type: "attempt.ended", loop: "1", data: { attempt: 1 } },
    status({ from: "running", to: "done", reason: "passed" }),
  ].map((event) => JSON.parse(JSON.stringify(event)) as unknown);
  expect(upgrade(drafts, 0)).toEqual([
    created,
    status({ from: "pending", to: "running", reason: null }),
    { type: "attempt.ended", loop: "1", data: { attempt: 1, interruptedAt: null, erred: false } },
    status({ from: "running", to: "complete", reason: "passed" }),
  ]);
});

test("what is no event is not upgraded", () => {
  expect(upgrade([null], 0)).toBeNull();
  expect(upgrade([{ type: "loop.created" }], 0)).toBeNull();
});
