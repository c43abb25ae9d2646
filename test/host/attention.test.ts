import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDaemonLog } from "../../src/adapters/daemon-log.ts";
import { signatureOf } from "../../src/adapters/notify/webhook.ts";
import type { Command } from "../../src/core/commands.ts";
import type { LoopId } from "../../src/core/loop.ts";
import { Scheduler } from "../../src/engine/scheduler.ts";
import { Attention } from "../../src/host/attention.ts";
import { DaemonConfig } from "../../src/host/daemon-config.ts";
import { keepGuards } from "../../src/host/guards.ts";
import { Host } from "../../src/host/host.ts";
import type { Surroundings } from "../../src/host/surroundings.ts";
import type { Notification } from "../../src/views/notification.ts";
import { brief } from "../given.ts";

const waitMsMax = 20_000;
const secret = "hush-hush-hush";
let place = "";
let server: Server;
let got: { readonly note: Notification; readonly isSigned: boolean }[] = [];

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "td-attention-"));
  got = [];
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      const isSigned = request.headers["x-taskdaemon-signature"] === signatureOf(body, secret);
      got.push({ note: JSON.parse(body) as Notification, isSigned });
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(place, { recursive: true, force: true });
});

function around(): Surroundings {
  const env = { PATH: "/usr/bin:/bin", XDG_CONFIG_HOME: place, TD_SECRET: secret };
  const self = ["node", "td"] as const;
  return {
    env,
    userHome: place,
    cwd: place,
    pid: 1,
    euid: 0,
    platform: "linux",
    version: "1",
    self,
  };
}

async function configure(lines: readonly string[]): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const hook = [`  webhook: http://127.0.0.1:${port}/secret`, "  webhook-secret-env: TD_SECRET"];
  await writeFile(join(place, "taskdaemon.yml"), ["notify:", ...hook, ...lines, ""].join("\n"));
}

/** All of a daemon that draws attention, and nothing that carries loops out. */
async function withAttention(
  body: (host: Host, attention: Attention) => Promise<void>,
  lagMs = 0,
): Promise<void> {
  const home = place;
  const host = await Host.open(around(), home);
  const config = new DaemonConfig(around(), home);
  const guards = await keepGuards(home, config.guardLimits, () => undefined);
  const crew = host.crew(new AbortController().signal);
  const scheduler = new Scheduler({ ...crew, hold: guards.hold }, config.limits);
  const log = openDaemonLog(home);
  const attended = { around: around(), home, config, host, scheduler, guards, log };
  const attention = new Attention(attended, () => lagMs);
  try {
    await body(host, attention);
  } finally {
    await attention.close();
    scheduler.close();
    guards.close();
    await host.close();
  }
}

async function ask(host: Host, command: Command): Promise<LoopId> {
  const decision = await host.states.submit(command);
  if (!decision.ok || decision.id === null) throw new Error(JSON.stringify(decision));
  return decision.id;
}

/** A loop that fails, with such words. */
async function failing(host: Host, reason: string): Promise<LoopId> {
  const id = await ask(host, { type: "createLoop", loop: brief({ title: "mend it" }) });
  await ask(host, { type: "startAttempt", id, owner: "test" });
  await ask(host, { type: "finishAttempt", id, attempt: 1, outcome: { type: "failed", reason } });
  return id;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await isSo()); waitedMs += 50) {
    if (waitedMs > waitMsMax) throw new Error("it never was so");
    await sleep(50);
  }
}

const items = () =>
  got.flatMap(({ note }) => note.items.map(({ event, loop }) => `${event} ${loop}`));

test("many at once are one, signed and to the command too; a restart repeats none and forgets none", async () => {
  await configure([`  command: cat >> ${place}/told`]);
  await withAttention(async (host) => {
    for (let n = 1; n <= 50; n += 1) await failing(host, `\u001b[2Jkey ${secret} ${n}`);
    await until(() => got.length > 0);
    await until(async () =>
      (await readFile(join(place, "notify.json"), "utf8")).includes('"webhook":2'),
    );
    const [{ note, isSigned } = { note: null, isSigned: false }] = got;
    expect(note).toMatchObject({ title: "TaskDaemon: 50 loops failed", counts: { failed: 50 } });
    expect(isSigned).toBe(true);
    expect(/hush|\\u001b/.test(JSON.stringify(note))).toBe(false);
    await until(async () => (await readFile(join(place, "told"), "utf8").catch(() => "")) !== "");
    const told = JSON.parse(await readFile(join(place, "told"), "utf8")) as Notification;
    expect(told.items).toEqual(note?.items);
    await failing(host, "while it stops");
  });
  expect(items()).toHaveLength(50);
  await withAttention(async () => {
    await until(() => got.length > 1);
    expect(items().slice(50)).toEqual(["failed 51"]);
  });
}, 60_000);

test("alerts are told, and a critical one is notified", async () => {
  await configure(["  events: [alert]"]);
  await withAttention(async (host, attention) => {
    const [alert] = attention.now();
    expect(alert).toMatchObject({
      id: "lag",
      level: "critical",
      remedy: "lower concurrency.loops",
    });
    await failing(host, "nobody wants to know");
    await until(() => got.length > 0);
    expect(got[0]?.note.items).toMatchObject([{ event: "alert", loop: null, reason: alert?.text }]);
    expect(await attention.alerts()).toMatchObject([{ id: "lag", since: alert?.since }]);
  }, 3_000);
}, 60_000);

test("a test goes out by what is on, and says what is off", async () => {
  await configure(["  command: exit 4", "  desktop: 'off'"]);
  await withAttention(async (_, attention) => {
    const { port } = server.address() as AddressInfo;
    expect(await attention.testNotify()).toEqual([
      { channel: "desktop", state: "off", message: "notify.desktop is off" },
      { channel: "webhook", state: "sent", message: `to 127.0.0.1:${port}, signed with TD_SECRET` },
      { channel: "command", state: "failed", message: "the command ended with exit code 4" },
    ]);
    expect(got[0]?.note).toMatchObject({ title: "TaskDaemon: 1 test", urgent: false });
  });
}, 60_000);
