import { expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import type { Document } from "../../src/core/documents.ts";
import type { Created } from "../../src/core/events.ts";
import type { LoopId } from "../../src/core/loop.ts";
import { withoutKeys } from "../../src/host/words.ts";

const key = "ghp_0123456789abcdefghijABCDEFGHIJ";
const pasted = `Use ${key} for it.`;
const clean = "Use [redacted] for it.";
const id = "1" as LoopId;
const document = {
  ...{ path: "a.md", name: "a", title: pasted, text: pasted, acceptance: [pasted] },
  ...{ validate: `curl -H 'token: ${key}'`, touches: [`${key}.txt`] },
} as unknown as Document;

const commands: readonly Command[] = [
  { type: "createLoop", loop: { title: pasted, brief: pasted } as Created },
  {
    type: "createLoops",
    asked: [{ loop: { title: pasted, brief: pasted } as Created, afterEarlier: [] }],
  },
  { type: "editBrief", id, title: pasted, brief: pasted },
  { type: "reject", id, feedback: pasted },
  { type: "answer", id, answer: pasted },
  {
    type: "tell",
    letter: { kind: "alert", topic: "it", body: pasted },
    repo: "/repo",
    plan: null,
  },
];

test.each(commands)("a key in the words of a person's $type is not kept", (command) => {
  const kept = JSON.stringify(withoutKeys(command));
  expect(kept).not.toContain(key);
  expect(kept).toBe(JSON.stringify(command).replaceAll(pasted, clean));
});

test.each([
  { type: "addChild", id, document },
  { type: "edit", id, documents: [document] },
] satisfies readonly Command[])(
  "nor in the text of a document ($type); what runs stays",
  (command) => {
    const kept = JSON.stringify(withoutKeys(command));
    expect(kept).not.toContain(pasted);
    expect(kept).toContain(JSON.stringify(document.validate));
  },
);

test("all else stays as it is", () => {
  const command: Command = { type: "approve", id };
  expect(withoutKeys(command)).toBe(command);
});
