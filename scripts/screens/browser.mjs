// Each page of the dashboard, in Debian's chromium.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const widths = { 1280: 800, 900: 800, 400: 800 };
const heightMax = 3_200;
const quality = 56;

const pagesOf = ({ plan, draft, complete, running, question, failed }) => [
  { name: "overview", path: "/", text: "Needs you" },
  { name: "loops", path: "/loops", text: "Loops" },
  { name: "loop-output", path: `/loop/${running}`, text: "at work on iteration" },
  { name: "loop-blocked", path: `/loop/${question}`, text: "It asks" },
  { name: "loop-iterations", path: `/loop/${complete}?tab=iterations`, text: "What iteration" },
  { name: "loop-diff", path: `/loop/${complete}?tab=diff`, text: "src/format-time.js" },
  { name: "loop-verdict", path: `/loop/${failed}?tab=verdict`, text: "Before, on the base commit" },
  { name: "loop-cost", path: `/loop/${complete}?tab=cost`, text: "from the cache" },
  { name: "loop-task", path: `/loop/${complete}?tab=task`, text: "delivered to" },
  { name: "plans", path: "/plans", text: "Plans" },
  { name: "plan", path: `/plan/${plan}`, text: "plan.md" },
  { name: "plan-draft", path: `/plan/${draft}`, text: "plan.md" },
  { name: "records", path: "/records", text: "export csv" },
  { name: "queue", path: "/queue", text: "of at most 3" },
  { name: "settings", path: "/settings", text: "day-usd" },
  {
    name: "answer",
    path: `/loop/${question}`,
    text: "It asks",
    act: (page) => page.getByRole("button", { name: "answer…" }).click(),
  },
  { name: "keys", path: "/", text: "Needs you", act: (page) => page.keyboard.press("?") },
];

/** Resolves to what did not come about; the other pages are shot. */
export async function shootPages({ ids, url }, dir, only) {
  const problems = [];
  if (![{ name: "sign-in" }, ...pagesOf(ids)].some(({ name }) => only.test(name))) return problems;
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args });
  try {
    for (const colorScheme of ["dark", "light"]) {
      for (const [width, height] of Object.entries(widths)) {
        const viewport = { width: Number(width), height };
        const context = await browser.newContext({ colorScheme, viewport });
        await shootAll(await context.newPage(), {
          ids,
          url,
          dir,
          only,
          colorScheme,
          viewport,
          problems,
        });
        await context.close();
      }
    }
  } finally {
    await browser.close();
  }
  return problems;
}

async function shootAll(page, { ids, url, dir, only, colorScheme, viewport, problems }) {
  const origin = new URL(url).origin;
  const shoot = (name, { whole = true } = {}) => {
    const file = join(dir, `${name}-${colorScheme}-${viewport.width}.webp`);
    return save(page, file, viewport, whole);
  };
  await page.goto(origin);
  await page.getByLabel("Link or token").waitFor();
  if (only.test("sign-in")) await shoot("sign-in");
  // Another token in the same page would be no navigation.
  await page.goto("about:blank");
  await page.goto(url);
  await page.getByText("live", { exact: true }).waitFor();
  for (const shot of pagesOf(ids)) {
    if (!only.test(shot.name)) continue;
    try {
      await reach(page, origin, shot);
      await shoot(shot.name, { whole: shot.act === undefined });
    } catch (error) {
      problems.push(`${shot.name} ${colorScheme} ${viewport.width}: ${error.message}`);
    }
  }
}

const settleMs = 600;

async function reach(page, origin, { path, text, act }) {
  await page.goto(origin + path);
  await page.getByText(text).first().waitFor();
  await page.waitForTimeout(settleMs);
  await act?.(page);
}

/** All of a page without a dialog, up to a height; by the debugger: playwright knows no webp. */
async function save(page, file, { width, height }, whole) {
  const long = whole ? await page.evaluate("document.documentElement.scrollHeight") : height;
  const clip = { x: 0, y: 0, width, height: Math.min(Math.max(long, height), heightMax), scale: 1 };
  const session = await page.context().newCDPSession(page);
  const shot = { format: "webp", quality, captureBeyondViewport: true, clip };
  const { data } = await session.send("Page.captureScreenshot", shot);
  await session.detach();
  writeFileSync(file, data, "base64");
}
