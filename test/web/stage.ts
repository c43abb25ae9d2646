/** The dashboard in a browser: the built page, the real doors, and a desk in memory. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { readAssets } from "../../src/server/assets.ts";
import { openSocket } from "../../src/server/listen.ts";
import { openWebDoor } from "../../src/server/web-door.ts";
import { FakeDesk } from "./fake-desk.ts";

export const token = "t".repeat(43);
const programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
export const browserProgram = programs.find((path) => existsSync(path)) ?? null;
export const assetsDir = join(import.meta.dirname, "../../dist/web");

export interface Stage {
  readonly fake: FakeDesk;
  readonly origin: string;
  readonly port: number;
  close(): Promise<void>;
}

/** With `port` at the place of a stage that was closed. */
export async function openStage(port = 0, fake = new FakeDesk()): Promise<Stage> {
  const place = await mkdtemp(join(tmpdir(), "td-web-"));
  const problems: unknown[] = [];
  const socket = await openSocket(join(place, "daemon.sock"), {
    version: "0",
    desk: fake.desk(),
    asUserError: (error) => error,
    report: (error) => problems.push(error),
  });
  const assets = readAssets(assetsDir);
  const door = await openWebDoor({ port, token, assets, serving: socket.serving });
  return {
    fake,
    origin: `http://127.0.0.1:${door.port}`,
    port: door.port,
    close: async () => {
      await Promise.all([socket.close(), door.close()]);
      await rm(place, { recursive: true, force: true });
      if (problems.length > 0) throw new Error(`the daemon had bugs: ${problems.join(", ")}`);
    },
  };
}

export function launch(): Promise<Browser> {
  const executablePath = browserProgram ?? "";
  // As root, as in containers, chromium's own sandbox cannot be had.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args });
}

/** A browser for the tests of a file; after each of them its tabs and stages are closed. */
export function browserOfFile(): { readonly browser: () => Browser; readonly stages: Stage[] } {
  let browser: Browser | null = null;
  const stages: Stage[] = [];
  beforeAll(async () => {
    if (browserProgram !== null) browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const context of browser?.contexts() ?? []) await context.close();
    for (const stage of stages.splice(0)) await stage.close();
  });
  return {
    stages,
    browser: () => {
      if (browser === null) throw new Error("there is no browser");
      return browser;
    },
  };
}

/** A tab that is signed in, at a path. */
export async function openTab(browser: Browser, stage: Stage, path = "/"): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${stage.origin}/#token=${token}`);
  await page.getByText("live", { exact: true }).waitFor();
  if (path !== "/") await page.goto(stage.origin + path);
  return page;
}

/** Loops of every status; a plan with two levels below. */
export function fill(fake: FakeDesk, count: number): void {
  const statuses = ["running", "pending", "complete", "failed", "blocked", "paused", "stopped"];
  fake.change("1", {
    type: "plan",
    status: "delegated",
    title: "Billing: sessions in the database",
  });
  for (let number = 2; number <= count; number += 1) {
    const status = statuses[number % statuses.length] ?? "pending";
    const isChild = number <= 24;
    const id = isChild ? `1.${number - 1}` : String(number);
    fake.change(id, {
      status,
      parent: isChild ? "1" : null,
      dependsOn: isChild && number > 4 ? [`1.${number - 3}`] : [],
      title: `Make the tests of part ${number} pass, 写测试用例 😀`,
      iteration: number % 7,
      blockedOn: status === "blocked" ? "question" : null,
      reason: status === "blocked" ? "Which of the two schemas is right?" : null,
    });
  }
}
