import type { Loop } from "../core/loop.ts";
import { type ServerTool, serverOf } from "../ports/tool-servers.ts";
import { ToolRefusal } from "../ports.ts";
import { cutMiddle } from "../tools/cut.ts";
import type { Tool } from "../tools/tool.ts";
import { reachOf } from "./documents.ts";
import type { Attempt } from "./engine.ts";

/** Of one answer, before it is redacted; a model is given less. */
const answerCharsMax = 256 * 1024;

/**
 * Lends `body` the tools that the loop's type has from servers of the user. They run as the loop's
 * commands do, and end with the conversation.
 */
export async function withToolServers<T>(
  doing: Attempt,
  loop: Loop,
  signal: AbortSignal,
  body: (tools: readonly Tool[]) => Promise<T>,
): Promise<T> {
  const { engine, type, workspace, course } = doing;
  const { world } = engine;
  const names = type.tools.filter((name) => serverOf(name) !== null);
  if (names.length === 0) return body([]);
  const { sandbox, iterationTimeoutMs: timeoutMs } = loop.settings;
  const { dir: cwd, env } = workspace;
  course.at = `iteration ${loop.iteration + 1}, the start of its tool servers`;
  const request = { loop: loop.id, names, cwd, env, ...reachOf(doing), sandbox, timeoutMs };
  return world.toolServers.lend(request, signal, ({ tools, notes }) => {
    for (const text of notes) {
      const at = world.clock.now();
      world.transcripts.write(loop.id, loop.iteration + 1, { type: "note", text, at });
      world.watch({ type: "note", loop: loop.id, iteration: loop.iteration + 1, text });
    }
    return body(tools.map(asTool));
  });
}

function asTool({ call, ...spec }: ServerTool): Tool {
  return {
    ...spec,
    async run(input, _bench, signal) {
      if (typeof input !== "object" || input === null || Array.isArray(input)) {
        throw new ToolRefusal(`${spec.name}: the input must be an object`);
      }
      const { text, isError } = await call(input as Readonly<Record<string, unknown>>, signal);
      return { text: cutMiddle(text, answerCharsMax), isError, effect: null };
    },
  };
}
