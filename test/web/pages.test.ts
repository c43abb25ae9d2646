import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diskAlert } from "../cli/fake-status.ts";
import { sampleDiff, sampleEntries } from "./samples.ts";
import { browserProgram, fill, launch, openStage, openTab, type Stage } from "./stage.ts";

const needsBrowser =
  "needs Debian's chromium: node scripts/system-packages.mjs installs it as root";
const here = browserProgram === null ? test.skip : test;

let browser: Browser;
let stage: Stage;

beforeAll(async () => {
  if (browserProgram === null) return;
  browser = await launch();
  stage = await openStage();
  fill(stage.fake, 60);
  stage.fake.change("70", { type: "plan", status: "draft", title: "Rewrite the parser" });
  stage.fake.alerts = [diskAlert, { ...diskAlert, id: "lag", level: "info" }];
  stage.fake.diffText = sampleDiff;
  stage.fake.entries = sampleEntries;
});

afterAll(async () => {
  await browser?.close();
  await stage?.close();
});

/** Each page, and a text by which it is there. */
const pages: readonly (readonly [string, string])[] = [
  ["/", "Needs you"],
  ["/", "critical nothing new starts: only 1 GB is free → td trash empty"],
  ["/loops", "61 of 61"],
  ["/loop/1.7", "Output"],
  ["/loop/1.7?tab=iterations", "What iteration 2 changed"],
  ["/loop/1.7?tab=diff", "src/auth.ts"],
  ["/loop/1.7?tab=verdict", "Before, on the base commit"],
  ["/loop/1.7?tab=cost", "from the cache"],
  ["/loop/1.7?tab=task", "delivered to"],
  ["/plans", "Rewrite the parser"],
  ["/plan/70", "specs/01-schema.md"],
  ["/records", "export csv"],
  ["/queue", "It waits for 1."],
  ["/settings", "day-usd: 50"],
];

async function show(page: Page, [path, text]: readonly [string, string]): Promise<void> {
  await page.goto(stage.origin + path);
  await page.getByText(text).first().waitFor();
}

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe has against a page. */
async function findings(page: Page): Promise<readonly string[]> {
  // By the debugger: the page's own policy lets no script in.
  const found = await page.evaluate(`${axe.source}; axe.run()`);
  const { violations } = found as { violations: readonly Finding[] };
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

here("every page is clean for axe, in both themes", { timeout: 120_000 }, async () => {
  const page = await openTab(browser, stage);
  for (const each of pages) {
    await show(page, each);
    for (const theme of ["dark", "light"]) {
      await page.evaluate(`document.documentElement.dataset.theme = "${theme}"`);
      expect({ path: each[0], theme, found: await findings(page) }).toEqual({
        path: each[0],
        theme,
        found: [],
      });
    }
  }
  await page.context().close();
});

here("no page is wider than a window of 400 pixels", { timeout: 60_000 }, async () => {
  const page = await openTab(browser, stage);
  await page.setViewportSize({ width: 400, height: 800 });
  for (const each of pages) {
    await show(page, each);
    const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect({ path: each[0], beyond }).toEqual({ path: each[0], beyond: 0 });
  }
  await page.context().close();
});

test.runIf(browserProgram === null)(needsBrowser, () => {
  expect(browserProgram).toBeNull();
});
