import { readdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { MetricsView } from "../../src/protocol/metrics.ts";
import type { AuditView } from "../../src/protocol/program.ts";
import {
  expectDone,
  mending,
  pidOf,
  runDetached,
  until,
  untilStatus,
  withDaemon,
} from "./daemon-support.ts";
import { killIfThere } from "./processes.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import { bash, done, loopTimeoutMs, read, removePlaces, scripted, write } from "./support.ts";

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
    expect(await sumOf(desk, "store_write_seconds", {})).toBeGreaterThan(5);
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

async function acts(desk: Desk, ...more: readonly string[]): Promise<AuditView[]> {
  const { stdout } = await expectDone(td(desk, ["--json", "audit", "list", ...more]));
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditView);
}

const busy = scripted([
  [read("sum.txt"), bash("echo one; curl -sS http://example.org/ || true")],
  [write("sum.txt", "plus\n")],
  [done],
]);

test("the audit has every act of a run, and tells when it was touched", () =>
  withDaemon(busy, async (desk) => {
    const { id } = await runDetached(desk);
    await untilStatus(desk, id, "complete");
    await expectDone(td(desk, ["stop"]));
    const all = await acts(desk);
    expect(all.map(({ n }) => n)).toEqual(all.map((_, index) => index + 1));
    const of = (type: string) => all.filter((record) => record.type === type);
    const own = await acts(desk, "--loop", id);
    expect(own).toEqual(all.filter(({ loop }) => loop === id));
    expect(of("tool").map(({ data }) => data["name"])).toEqual([
      "read",
      "bash",
      "write",
      "complete_task",
    ]);
    expect(of("file").map(({ data }) => data["path"])).toEqual(["sum.txt"]);
    expect(of("command").map(({ data }) => [data["purpose"], data["command"]])).toEqual([
      ["validation", "./check.sh"],
      ["tool", expect.stringContaining("echo one")],
      ["validation", "./check.sh"],
      ["validation", "./check.sh"],
    ]);
    expect(of("person").map(({ data }) => data["asked"])).toEqual(["createLoop"]);
    expect(of("config")).toHaveLength(1);
    expect(of("daemon").map(({ data }) => data["what"])).toEqual(["started", "stopped"]);
    expect(await acts(desk, "--since", "1s", "--loop", "99")).toEqual([]);
    const whole = await expectDone(td(desk, ["--json", "audit", "verify"]));
    expect(jsonOf(whole)).toMatchObject({ ok: true, anchoredUpTo: all.length, problem: null });
    const dir = join(desk.home, "audit");
    const file = join(dir, (await readdir(dir))[0] ?? "");
    await writeFile(file, (await readFile(file, "utf8")).replace("echo one", "echo two"));
    const broken = await td(desk, ["audit", "verify"]);
    expect(broken).toMatchObject({ code: 1, stdout: /does not match its own hash/ });
    expect(broken.stdout).toMatch(/audit-0+1\.jsonl:\d+ \(byte \d+\), record \d+/);
  }));

test("a daemon killed with -9 leaves a whole audit, and the next one goes on with it", () =>
  withDaemon(mending, async (desk) => {
    const { id } = await runDetached(desk);
    await until("something was recorded", async () => (await acts(desk)).length > 3);
    const pid = pidOf(desk);
    killIfThere(pid ?? 0, "SIGKILL");
    await until("another daemon serves", () => ![null, pid].includes(pidOf(desk)));
    await untilStatus(desk, id, "complete");
    await expectDone(td(desk, ["stop"]));
    const whole = await expectDone(td(desk, ["--json", "audit", "verify"]));
    expect(jsonOf(whole)).toMatchObject({ ok: true, problem: null });
    const all = await acts(desk);
    const lives = all.filter(({ type }) => type === "daemon").map(({ data }) => data["what"]);
    expect(lives).toEqual(["started", "started", "stopped"]);
  }));
