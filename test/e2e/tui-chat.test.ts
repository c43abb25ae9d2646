import stringWidth from "string-width";
import { afterAll, expect, test } from "vitest";
import type { Policy } from "../../src/mock-llm/script.ts";
import { withDaemon } from "./daemon-support.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";
import { type TmuxTerminal, withTui } from "./tmux.ts";

afterAll(removePlaces);

const timeout = loopTimeoutMs;
const config = "validation:\n  command: 'true'\n";

/** Looks, then answers; what it says last is slow. */
const talking: Policy = ({ system, messages, text }) => {
  if (!system.includes("You talk with a person")) return { text: "A plan is to come." };
  const last = messages.at(-1);
  if (last?.texts.some((each) => each.includes("slowly")) === true) {
    return { text: "word ".repeat(400), "tokens-per-second": 20 };
  }
  if (last?.texts.some((each) => each.includes("both lines")) === true) {
    return { text: text.includes("first\nboth lines") ? "Two lines came." : "One line came." };
  }
  if ((last?.toolResults.length ?? 0) > 0) {
    return { text: "It is in **sum.txt** 修复😀.\n\u001b[2J\u001b]0;evil\u0007" };
  }
  return { text: "Let me look.", tools: [{ name: "grep", input: { pattern: "minus" } }] };
};

async function say(terminal: TmuxTerminal, text: string): Promise<void> {
  await terminal.type(text);
  await terminal.keys("Enter");
}

test(
  "a person talks with a model, stops it, has a plan made, and finds the talk again",
  async () => {
    await withDaemon(
      talking,
      async (desk) => {
        await withTui(desk, { columns: 60, rows: 20 }, async (terminal) => {
          await terminal.keys("1");
          await terminal.until("[1 Chat]");
          await say(terminal, "Where is 修复 2q?");
          await terminal.until("→ grep minus");
          const screen = await terminal.until("It is in sum.txt 修复😀.");
          const frames = screen.split("\n").filter((line) => /^[│╭╰]/u.test(line));
          expect(frames.filter((line) => stringWidth(line) !== 60)).toEqual([]);
          await terminal.type("first");
          await terminal.keys("M-Enter");
          await say(terminal, "both lines");
          await terminal.until("Two lines came.");
          await say(terminal, "slowly");
          await terminal.until("word word");
          await terminal.keys("Escape");
          await terminal.until("· stopped");
          await say(terminal, "/paln");
          await terminal.until("did you mean /plan?");
          await terminal.keys("C-u");
          await say(terminal, "/plan Keep it small");
          await terminal.until("loop 1 makes a plan");
          await terminal.keys("Escape", "2");
          await terminal.until("Keep it small");
        });
        await withTui(desk, {}, async (terminal) => {
          await terminal.keys("1");
          await say(terminal, "/history");
          await terminal.until("conversations");
          await terminal.until("Where is 修复 2q?");
          await terminal.keys("Enter");
          await terminal.until("Two lines came.");
          await say(terminal, "/model openai/gpt-5");
          await say(terminal, "Hello");
          await terminal.until("No API key for openai");
        });
      },
      { config },
    );
  },
  timeout,
);
