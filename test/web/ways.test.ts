import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { FakeDesk } from "./fake-desk.ts";
import { sampleDiff } from "./samples.ts";
import { browserOfFile, browserProgram, fill, openStage, openTab } from "./stage.ts";

// Skipped where no chromium can be had: pages.test.ts says how it is installed.
const here = browserProgram === null ? test.skip : test;
const timeout = 60_000;

const { browser, stages } = browserOfFile();

async function opened(path: string): Promise<{ readonly fake: FakeDesk; readonly page: Page }> {
  const fake = new FakeDesk();
  const stage = await openStage(0, fake);
  stages.push(stage);
  fill(fake, 60);
  fake.diffText = sampleDiff;
  return { fake, page: await openTab(browser(), stage, path) };
}

here("what was asked while the daemon was gone is there once it is back", { timeout }, async () => {
  const { fake, page } = await opened("/loop/1.7");
  await page.getByRole("link", { name: "diff" }).waitFor();
  const [stage] = stages.splice(0);
  if (stage === undefined) throw new Error("there is no stage");
  await stage.close();
  await page.getByText("The daemon does not answer").waitFor();
  await page.getByRole("link", { name: "diff" }).click();
  stages.push(await openStage(stage.port, fake));
  await page.getByText("src/auth.ts").first().waitFor();
  expect(await page.getByText("does not answer").count()).toBe(0);
});

here(
  "a refusal is told in the dialog that asked, and what was written stays",
  {
    timeout,
  },
  async () => {
    const { fake, page } = await opened("/loop/1.3");
    await page.getByRole("button", { name: "answer…" }).click();
    fake.loopsById.delete("1.3");
    await page.getByLabel("Your answer").fill("the second");
    await page.getByRole("button", { name: "Answer", exact: true }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
    expect(await page.getByLabel("Your answer").inputValue()).toBe("the second");
  },
);

here(
  "who has spent its budget goes on with the limit that a person names",
  {
    timeout,
  },
  async () => {
    const { fake, page } = await opened("/loop/1.3");
    fake.change("1.3", { blockedOn: "budget", reason: "the budget is spent" });
    await page.getByRole("button", { name: "resume…" }).click();
    await page.getByLabel("New limit").fill("2.5");
    await page.keyboard.press("Enter");
    await page.getByText("1.3 goes on").waitFor();
    expect(fake.asked).toEqual([{ resume: "1.3", given: { budgetUsd: 2.5 } }]);
  },
);

here("who comes back to a list finds it as it was left", { timeout }, async () => {
  const { page } = await opened("/loops");
  await page.getByText("60 of 60").waitFor();
  await page.locator(".rows").evaluate((rows) => rows.scrollTo(0, 600));
  await page.locator('[aria-posinset="20"] a').click();
  await page.getByRole("heading", { level: 1, name: /Make the tests/ }).waitFor();
  await page.goBack();
  await page.locator(".rows").waitFor();
  expect(await page.locator(".rows").evaluate((rows) => rows.scrollTop)).toBe(600);
  await page.keyboard.press("/");
  await page.keyboard.type("part 33");
  await page.getByText("1 of 60").waitFor();
  await page.locator("[data-row]").click();
  await page.goBack();
  await page.getByText("1 of 60").waitFor();
});

here("a link that does not sign in says so", { timeout }, async () => {
  const stage = await openStage();
  stages.push(stage);
  const page = await (await browser().newContext()).newPage();
  await page.goto(`${stage.origin}/#token=${"x".repeat(43)}`);
  await page.getByRole("alert").waitFor();
  expect(page.url()).not.toContain("token");
});

const shiftMax = 0.02;
const quietMs = 600;
/** Sums what moves on its own, from the first moment of a page on. */
const watchShifts = `
  globalThis.shifts = 0;
  new PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) shifts += value;
  }).observe({ type: "layout-shift", buffered: true });`;

here("pages come without a jump", { timeout }, async () => {
  const { page } = await opened("/");
  await page.addInitScript({ content: watchShifts });
  const { origin } = new URL(page.url());
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 800 });
    for (const path of ["/", "/loop/1.7?tab=task", "/plan/1"]) {
      await page.goto(origin + path);
      await page.getByText("live", { exact: true }).waitFor();
      await page.waitForTimeout(quietMs);
      const sum = Number(await page.evaluate("shifts"));
      expect([path, width, sum < shiftMax || sum]).toEqual([path, width, true]);
    }
  }
});
