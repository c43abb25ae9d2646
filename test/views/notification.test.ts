import { expect, test } from "vitest";
import type { Notice } from "../../src/core/notice.ts";
import { notificationOf } from "../../src/views/notification.ts";
import { id } from "../given.ts";

function failure(n: number, more: Partial<Notice> = {}): Notice {
  const words = { title: "mend it", reason: "too often", remedy: `td why ${n}` };
  return {
    event: "failed",
    at: 0,
    seq: n,
    loop: id(`${n}`),
    status: "failed",
    repo: "/repo",
    ...words,
    ...more,
  };
}

const asIs = (text: string) => text;
const gathered = (notices: readonly Notice[], dropped = 0) => ({
  notices,
  dropped,
  id: "0-1",
  at: 0,
});

test("fifty that failed at once are one notification with a count", () => {
  const notices = Array.from({ length: 50 }, (_, n) => failure(n + 1));
  const note = notificationOf(gathered([...notices, failure(99, { event: "question" })]), asIs);
  expect(note.title).toBe("TaskDaemon: 1 loop asks you, 50 loops failed");
  expect(note.counts).toEqual({ failed: 50, question: 1 });
  expect(note.items).toHaveLength(50);
  expect(note.more).toBe(1);
  expect(note.text.split("\n")).toHaveLength(9);
  expect(note.text).toMatch(/… and 43 more$/);
});

test("what had no room is counted", () => {
  const note = notificationOf(gathered([failure(1)], 7), asIs);
  expect(note).toMatchObject({ more: 7, text: "1 mend it: too often (td why 1)\n… and 7 more" });
});

test("a model's words are inert, bounded, and without secrets", () => {
  const reason = `\u001b[2J\u001b]0;evil\u0007line\nline\u202e ${"x".repeat(5_000)} key-42`;
  const redact = (text: string) =>
    text.replaceAll("key-42", "[redacted]").replaceAll("hush", "[redacted]");
  const note = notificationOf(gathered([failure(1, { reason, title: "say hush" })]), redact);
  const all = JSON.stringify(note);
  expect(all).not.toMatch(/\\u00[01]|\u202e|hush|key-42/);
  expect(note.items[0]?.title).toBe("say [redacted]");
  expect(note.items[0]?.reason).toMatch(/^line line x+…$/);
  expect(note.text.length).toBeLessThan(250);
  expect(note.text.split("\n")).toHaveLength(1);
});
