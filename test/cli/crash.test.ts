import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { crashLine } from "../../src/cli/crash.ts";

test("of crashes the newest fifty are kept, and nothing else is touched", () => {
  const home = mkdtempSync(join(tmpdir(), "td-crash-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
  crashLine(new Error("first"), home, at(0));
  writeFileSync(join(home, "logs", "daemon.log"), "");
  for (let second = 1; second <= 60; second += 1) crashLine(new Error("again"), home, at(second));
  const names = readdirSync(join(home, "logs")).sort();
  expect(names).toHaveLength(51);
  expect(names[0]).toBe("crash-2026-01-01T00-00-11.000Z.log");
  expect(names.at(-1)).toBe("daemon.log");
});
