import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { browse, browserOf } from "../../src/tui/browser.ts";

const door = {
  dashboard: async () => ({ port: 7_817, url: "http://127.0.0.1:7817/#token=secret" }),
};
const link = "http://127.0.0.1:7817/loop/7";

test("a link is opened by whom the person names, by the desktop, or by nobody", () => {
  expect(browserOf({ BROWSER: "/bin/lynx:w3m", DISPLAY: ":0" }, "linux")).toBe("/bin/lynx");
  expect(browserOf({ BROWSER: "x %s", DISPLAY: ":0" }, "linux")).toBe("xdg-open");
  expect(browserOf({ WAYLAND_DISPLAY: "wayland-0" }, "linux")).toBe("xdg-open");
  expect(browserOf({}, "darwin")).toBe("open");
  expect(browserOf({ BROWSER: "", DISPLAY: "" }, "linux")).toBeNull();
});

test("the browser is given the page of the loop, and not the token", async () => {
  const place = await mkdtemp(join(tmpdir(), "td-browser-"));
  const [browser, given] = [join(place, "browser"), join(place, "given")];
  await writeFile(
    browser,
    `#!/bin/sh\nprintf '%s\\n' "$@" > ${given}.part; mv ${given}.part ${given}\n`,
  );
  await chmod(browser, 0o700);
  const said = await browse(door, "/loop/7", { ...process.env, BROWSER: browser });
  expect(said).toContain(link);
  await vi.waitFor(async () => expect(await readFile(given, "utf8")).toBe(`${link}\n`), 20_000);
  await rm(place, { recursive: true });
});

test("where there is no browser, or it does not start, the link is told", async () => {
  const gone = { BROWSER: "/nowhere/browser" };
  await expect(browse(door, "/loop/7", gone)).rejects.toThrow(`open ${link}, or set BROWSER`);
  if (process.platform !== "linux") return;
  expect(await browse(door, "/loop/7", {})).toBe(`no browser here: open ${link}`);
});
