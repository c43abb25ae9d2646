import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type LentTools,
  ToolServerFailed,
  type ToolServers,
  type ToolServersRequest,
} from "../../src/ports/tool-servers.ts";

/** Servers `good` (tools `echo`, which says its `words`, and `fail`) and `dead`, which does not start. */
export interface ToolServersSubject {
  readonly servers: ToolServers;
  readonly request: ToolServersRequest;
  close(): Promise<void>;
}

const never = new AbortController().signal;

/** What every implementation of ToolServers does. */
export function toolServersContract(name: string, begin: () => Promise<ToolServersSubject>): void {
  describe(`${name} keeps the contract of ToolServers`, () => {
    let subject: ToolServersSubject;
    beforeAll(async () => {
      subject = await begin();
    });
    afterAll(() => subject.close());

    const lend = <T>(names: readonly string[], body: (lent: LentTools) => Promise<T>) =>
      subject.servers.lend({ ...subject.request, names }, never, body);
    const names = async ({ tools }: LentTools) => tools.map((tool) => tool.name);

    test("where no tool is a server's there is nothing to lend", async () => {
      expect(await lend(["read", "bash"], async (lent) => lent)).toEqual({ tools: [], notes: [] });
    });

    test("mcp_NAME is all tools of a server, and one of them has its own name", async () => {
      const all = await lend(["read", "mcp_good"], names);
      expect(all).toEqual(expect.arrayContaining(["mcp_good_echo", "mcp_good_fail"]));
      expect(await lend(["mcp_good_fail"], names)).toEqual(["mcp_good_fail"]);
    });

    test("a call is answered, and told whether it failed", async () => {
      const answers = await lend(["mcp_good_echo", "mcp_good_fail"], async ({ tools }) => [
        await tools.find((tool) => tool.name === "mcp_good_echo")?.call({ words: "hear" }, never),
        await tools.find((tool) => tool.name === "mcp_good_fail")?.call({}, never),
      ]);
      expect(answers).toEqual([
        { text: "hear", isError: false },
        { text: "it cannot be done", isError: true },
      ]);
    });

    test("what is not there, or does not start, is told before anything is done", async () => {
      for (const name of ["mcp_nobody", "mcp_good_nothing", "mcp_dead"]) {
        const used = lend([name], async () => expect.unreachable());
        await expect(used).rejects.toThrow(ToolServerFailed);
      }
    });

    test("the body's failure is its own, and who is aborted starts nothing", async () => {
      const failing = lend(["mcp_good"], () => Promise.reject(new Error("mine")));
      await expect(failing).rejects.toThrow("mine");
      const reason = new Error("enough");
      const request = { ...subject.request, names: ["mcp_good"] };
      const aborted = subject.servers.lend(request, AbortSignal.abort(reason), names);
      await expect(aborted).rejects.toBe(reason);
    });
  });
}
