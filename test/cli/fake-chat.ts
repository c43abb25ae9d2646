import { noUsage } from "../../src/core/loop.ts";
import type { ChatDoor } from "../../src/protocol/chat.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";

/** A model that repeats what it is told. */
export function fakeChat(): ChatDoor {
  const none = (id: string) => {
    return Promise.reject(new UserError(exitCodes.notFound, `there is no conversation ${id}`));
  };
  return {
    chats: async () => [],
    conversation: none,
    planOfChat: none,
    chat: async ({ text }, hear) => {
      hear({ type: "began", chat: "c1", model: "anthropic/model" });
      hear({ type: "tool", name: "grep", summary: "needle" });
      hear({ type: "toolDone", name: "grep", isError: false });
      const [, ended, lacks] = /^(failed|stopped)(?: (budget|key))?$/.exec(text) ?? [];
      if (ended === "failed" || ended === "stopped") {
        const more = lacks === "budget" || lacks === "key" ? ({ lacks } as const) : {};
        return hear({ type: "ended", ended, reason: "so it is", usage: noUsage, ...more });
      }
      hear({ type: "text", text: `you said: ${text}` });
      hear({ type: "ended", ended: "done", reason: null, usage: { ...noUsage, costUsd: 0.01 } });
    },
  };
}
