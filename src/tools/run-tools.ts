import type { CommandResult } from "../ports.ts";
import { ToolRefusal } from "../ports.ts";
import { cutEnd, cutMiddle } from "./cut.ts";
import { defineTool, done, type Tool } from "./tool.ts";

const timeoutMsDefault = 120_000;
const timeoutMsMax = 600_000;
const outputCharsMax = 30_000;
const pageCharsMax = 50_000;

/** A command in the sandbox. */
export const bash: Tool = defineTool({
  name: "bash",
  description:
    "Runs a command with bash in the worktree, in a sandbox. Nothing that it starts outlives it. " +
    "There is no terminal and no input. Use read, edit, glob and grep for files.",
  inputSchema: {
    type: "object",
    properties: {
      command: { type: "string", minLength: 1, maxLength: 100_000, description: "The command." },
      timeout_ms: {
        type: "integer",
        minimum: 1,
        maximum: timeoutMsMax,
        description: `When to stop it; ${timeoutMsDefault} when left out.`,
      },
    },
    required: ["command"],
    additionalProperties: false,
  },
  async run({ command, timeout_ms = timeoutMsDefault }, bench, signal) {
    const result = await bench.run(command, timeout_ms, signal);
    signal.throwIfAborted();
    const output = cutMiddle(result.output.trimEnd(), outputCharsMax);
    const text = [output, ending(result, timeout_ms)].filter((part) => part !== "").join("\n");
    return { text, isError: result.ended !== "exited" || result.exitCode !== 0, effect: null };
  },
});

/** A page of an allowed host. */
export const fetch: Tool = defineTool({
  name: "fetch",
  description: "Gets the text behind a URL (GET), if the loop may reach its host.",
  inputSchema: {
    type: "object",
    properties: {
      url: { type: "string", minLength: 1, maxLength: 4000, description: "An http or https URL." },
    },
    required: ["url"],
    additionalProperties: false,
  },
  async run({ url }, bench, signal) {
    if (!/^https?:\/\/[^/]/iu.test(url)) {
      throw new ToolRefusal(`the url must begin with https:// or http://: ${cutEnd(url, 100)}`);
    }
    const text = bench.redact(await bench.fetch(url, signal));
    return done(text === "" ? "the page is empty" : cutMiddle(text, pageCharsMax));
  },
});

function ending({ ended, exitCode }: CommandResult, timeoutMs: number): string {
  switch (ended) {
    case "exited":
      return `exit code ${exitCode ?? "unknown"}`;
    case "timedOut":
      return (
        `stopped: it was not done after ${timeoutMs / 1000} s. Do less in one command, or raise ` +
        `timeout_ms (at most ${timeoutMsMax}); if it waits for input or serves, make it end by itself`
      );
    case "aborted":
      return "stopped: the loop is being interrupted";
    case "memory":
      return "stopped: it used more memory than the sandbox allows; work on less at once";
    case "processes":
      return "stopped: it started more processes than the sandbox allows; run fewer at once";
  }
}
