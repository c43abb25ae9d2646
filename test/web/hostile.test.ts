import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readAssets } from "../../src/server/assets.ts";
import { hostile, sampleDiff, sampleEntries } from "./samples.ts";
import {
  assetsDir,
  browserProgram,
  launch,
  openStage,
  openTab,
  type Stage,
  token,
} from "./stage.ts";

// Skipped where no chromium can be had: pages.test.ts says how it is installed.
const here = browserProgram === null ? test.skip : test;

let browser: Browser;
let stage: Stage;

beforeAll(async () => {
  if (browserProgram === null) return;
  browser = await launch();
  stage = await openStage();
});

afterAll(async () => {
  await browser?.close();
  await stage?.close();
});

test("the first load is no more than 200 kB, compressed", () => {
  const assets = [...readAssets(assetsDir)];
  expect(assets.length).toBeGreaterThan(3);
  const first = assets.filter(([path]) => !path.includes("worker"));
  const bytes = first.reduce((sum, [, { body }]) => sum + gzipSync(body).length, 0);
  expect(bytes).toBeLessThan(200_000);
  // Nothing comes from elsewhere, and nothing is inline.
  const html = String(readAssets(assetsDir).get("/index.html")?.body);
  expect(html).not.toMatch(/https?:|<style|<script>|\son\w+=|style="/);
});

here("what models and commands say is shown and never carried out", async () => {
  const { fake } = stage;
  fake.change("1", { title: hostile, status: "running", reason: hostile });
  fake.change("2", { title: hostile, status: "blocked", blockedOn: "question", reason: hostile });
  fake.entries = sampleEntries;
  fake.diffText = sampleDiff.replace("const a = 2;", hostile).replaceAll("auth.ts", "<b>.ts");
  const page = await openTab(browser, stage);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("dialog", (dialog) => void dialog.dismiss().then(() => problems.push("a dialog")));
  const paths = ["/", "/loops", "/loop/1", "/loop/2", "/loop/1?tab=iterations", "/loop/1?tab=diff"];
  for (const path of [...paths, "/plan/1"]) {
    await page.goto(stage.origin + path);
    await page.getByText("<script>window.hacked").first().waitFor();
    if (path === "/loop/1") {
      fake.tell({ loop: "1" as never, iteration: 1, type: "text", text: hostile });
      await page.locator(".output").getByText("<script>").waitFor();
    }
    const text = String(await page.evaluate("document.body.innerText"));
    const strange = [...text].filter((letter) => "\u001b\u0007\u202e\u202c".includes(letter));
    expect({ path, strange, hacked: await page.evaluate("window.hacked ?? null") }).toEqual({
      path,
      strange: [],
      hacked: null,
    });
    expect(await page.locator('a[href*="evil"], img[src="x"]').count()).toBe(0);
  }
  expect(problems).toEqual([]);
  await page.context().close();
});

here("the report is a page of its own: with its style, and with nothing that runs", async () => {
  stage.fake.change("1", { title: "Report me", status: "complete" });
  const page = await openTab(browser, stage, "/loop/1");
  const problems: string[] = [];
  const opened = page.context().waitForEvent("page");
  await page.getByRole("link", { name: "report", exact: true }).click();
  const report = await opened;
  report.on("console", (message) => problems.push(message.text()));
  const answer = await report.reload();
  expect(answer?.headers()["content-security-policy"]).toMatch(/^default-src 'none'; style-src/);
  await report.getByText("<script>alert(1)</script>").first().waitFor();
  expect(await report.evaluate("getComputedStyle(document.body).maxWidth")).toBe("960px");
  await report.evaluate(
    `const made = document.createElement("script"); made.textContent = "window.ran = 1"; document.body.append(made)`,
  );
  expect(await report.evaluate("window.ran ?? null")).toBeNull();
  expect(problems.filter((text) => /style/i.test(text))).toEqual([]);
  const asked = await fetch(`${stage.origin}/v1/loops/1/report.html`);
  expect([asked.status, await asked.text()]).toEqual([401, expect.not.stringContaining("alert")]);
  await page.context().close();
});

here("the page's own policy lets no inline script run", async () => {
  const page = await openTab(browser, stage);
  await page.evaluate(
    `const made = document.createElement("script"); made.textContent = "window.ran = 1"; document.body.append(made)`,
  );
  expect(await page.evaluate("window.ran ?? null")).toBeNull();
  await page.context().close();
});

here("without the token there is a page that asks for it, and nothing else", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${stage.origin}/loops`);
  await page.getByText("td dashboard").waitFor();
  await page.getByLabel("Link or token").fill("http://127.0.0.1:1/#token=wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("td dashboard").waitFor();
  await page.getByLabel("Link or token").fill(`${stage.origin}/#token=${token}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Loops" }).waitFor();
  expect(page.url()).not.toContain("token");
  expect(await page.evaluate("document.cookie")).toBe("");
  await page.context().close();
});
