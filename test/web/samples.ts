/** What a model and its commands may say, the worst of it too. */
import { type CommitId, noUsage } from "../../src/core/loop.ts";
import type { TranscriptEntry } from "../../src/ports.ts";

/** Markup, colours, a link of the terminal, and marks that turn the reading order. */
export const hostile =
  '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2"> \u001b[31mred\u001b[0m \u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007 \u202egnp.exe\u202c javascript:alert(1)';

export const sampleDiff = `diff --git a/src/auth.ts b/src/auth.ts
index 1111111..2222222 100644
--- a/src/auth.ts
+++ b/src/auth.ts
@@ -1,4 +1,5 @@
 import { x } from "y";
-const a = 1;
+const a = 2;
+const 名 = "写 😀";
 export const z = a;
`;

const at = Date.UTC(2026, 10, 22);

export const sampleEntries: readonly TranscriptEntry[] = [
  { at, type: "prompt", system: "You are careful.", text: "Make the tests pass." },
  {
    at,
    type: "reply",
    turn: 1,
    text: `I look at the parser first. ${hostile}`,
    stopReason: "tool_use",
    usage: { ...noUsage, inputTokens: 1_200, outputTokens: 80, costUsd: 0.01, requests: 1 },
  },
  { at, type: "toolCall", id: "1", name: "bash", input: { command: `npm test ${hostile}` } },
  { at, type: "toolResult", id: "1", text: hostile, isError: true, durationMs: 1_234 },
  {
    at,
    type: "validation",
    command: "npm test",
    commit: "a".repeat(40) as CommitId,
    where: "worktree",
    exitCode: 1,
    output: `✗ 2 of 14 failed ${hostile}`,
    durationMs: 2_300,
  },
  { at, type: "note", text: hostile },
];
