import { request } from "node:http";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { MetricsView } from "../../src/protocol/metrics.ts";
import { expectDone, mending, runDetached, untilStatus, withDaemon } from "./daemon-support.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

function scraped({ home }: Desk): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asking = request({ socketPath: join(home, "daemon.sock"), path: "/metrics", agent: false });
  asking.on("error", reject).on("response", (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    response.on("end", () => resolve(text));
  });
  asking.end();
  return promise;
}

/** The sum of a metric's series whose labels hold these. */
async function sumOf(desk: Desk, name: string, labels: Record<string, string>): Promise<number> {
  const { metrics } = jsonOf<MetricsView>(await expectDone(td(desk, ["--json", "metrics"])));
  const series = metrics.find((metric) => metric.name === `taskdaemon_${name}`)?.series ?? [];
  return series
    .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

test("a daemon counts a loop, and what the loop keeps survives the daemon", () =>
  withDaemon(mending, async (desk) => {
    const { id } = await runDetached(desk);
    await untilStatus(desk, id, "complete");
    expect(await sumOf(desk, "loops_ended_total", { status: "complete" })).toBe(1);
    expect(await sumOf(desk, "tool_calls_total", { tool: "write", result: "ok" })).toBe(1);
    expect(await sumOf(desk, "api_seconds", { outcome: "ok" })).toBe(3);
    expect(await sumOf(desk, "validation_seconds", { result: "passed" })).toBe(1);
    expect(await sumOf(desk, "queue_wait_seconds", { priority: "normal" })).toBe(1);
    const tokens = await sumOf(desk, "tokens_total", {});
    expect(tokens).toBeGreaterThan(0);
    const lines = (await scraped(desk)).split("\n").filter((line) => /^[^#]/.test(line));
    expect(lines.filter((line) => !line.startsWith("taskdaemon_"))).toEqual([]);
    expect(lines).toContain('taskdaemon_loops{type="ralph",status="complete"} 1');
    expect((await expectDone(td(desk, ["metrics"]))).stdout).toMatch(
      /tool_calls_total +write ok +1/,
    );
    await expectDone(td(desk, ["restart"]));
    expect(await sumOf(desk, "tokens_total", {})).toBe(tokens);
    expect(await sumOf(desk, "loops_ended_total", { status: "complete" })).toBe(1);
    expect(await sumOf(desk, "api_seconds", {})).toBe(0);
  }));
