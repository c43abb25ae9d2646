import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { BoardMessage } from "../../src/protocol/board.ts";
import type { DashboardView } from "../../src/protocol/dashboard.ts";
import { expectDone, mending, runDetached, untilStatus, withDaemon } from "./daemon-support.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

async function dashboard(desk: Desk, ...more: readonly string[]): Promise<DashboardView> {
  return jsonOf(await expectDone(td(desk, ["--json", "dashboard", ...more])));
}

function tokenOf({ url }: DashboardView): string {
  return url.split("#token=")[1] ?? "";
}

test("td dashboard opens a door that survives its daemon, and only the token opens it", () =>
  withDaemon(mending, async (desk) => {
    const view = await dashboard(desk, "--port", "0");
    expect(view.url).toBe(`http://127.0.0.1:${view.port}/#token=${tokenOf(view)}`);
    const file = join(desk.home, "dashboard.token");
    expect(readFileSync(file, "utf8").trim()).toBe(tokenOf(view));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const origin = `http://127.0.0.1:${view.port}`;
    const authorization = `Bearer ${tokenOf(view)}`;
    expect(await (await fetch(origin)).text()).toContain("<title>TaskDaemon</title>");
    expect((await fetch(`${origin}/metrics`)).status).toBe(401);
    const metrics = await fetch(`${origin}/metrics`, { headers: { authorization } });
    expect(await metrics.text()).toContain("# TYPE taskdaemon_");
    expect(await dashboard(desk)).toEqual(view);
    await expectDone(td(desk, ["restart"]));
    const again = await fetch(`${origin}/v1/status`, { headers: { authorization } });
    expect(again.status).toBe(200);
    expect(await dashboard(desk)).toEqual(view);
  }));

test("the board tells all rows, then what changes, and who comes back what was missed", () =>
  withDaemon(mending, async (desk) => {
    const view = await dashboard(desk, "--port", "0");
    const heard = (from: string, until: (message: BoardMessage) => boolean) =>
      new Promise<readonly BoardMessage[]>((resolve, reject) => {
        const headers = { authorization: `Bearer ${tokenOf(view)}` };
        const socket = new WebSocket(`ws://127.0.0.1:${view.port}/v1/board${from}`, { headers });
        const messages: BoardMessage[] = [];
        socket.on("error", reject);
        socket.on("message", (data) => {
          const message = JSON.parse(String(data)) as BoardMessage;
          messages.push(message);
          if (!until(message)) return;
          socket.terminate();
          resolve(messages);
        });
      });
    const isComplete = (message: BoardMessage) =>
      message.kind === "rows" && message.rows.some(({ status }) => status === "complete");
    const live = heard("", isComplete);
    const { id } = await runDetached(desk);
    const messages = await live;
    expect(messages[0]).toMatchObject({ kind: "snapshot", isFirst: true });
    expect(messages.some(({ kind }) => kind === "steps")).toBe(true);
    await untilStatus(desk, id, "complete");
    // From the first event on: the rows of all loops that there are, whole.
    const [missed] = await heard("?from=1", ({ kind }) => kind === "rows");
    expect(missed).toMatchObject({ kind: "rows", rows: [{ id, status: "complete" }] });
    const [beyond] = await heard("?from=99999", ({ kind }) => kind === "snapshot");
    expect(beyond).toMatchObject({ kind: "snapshot", rows: [{ id }], isLast: true });
    const { buckets } = (await (
      await fetch(`http://127.0.0.1:${view.port}/v1/history`, {
        headers: { authorization: `Bearer ${tokenOf(view)}` },
      })
    ).json()) as { buckets: readonly { completed: number; requests: number }[] };
    expect(buckets.reduce((sum, { completed }) => sum + completed, 0)).toBe(1);
    expect(buckets.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(1);
  }));
