import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openDaemonLog } from "../../src/adapters/daemon-log.ts";

const home = mkdtempSync(join(tmpdir(), "td-log-"));
afterAll(() => rmSync(home, { recursive: true }));

test("the daemon's log is bounded in size and number, and private", () => {
  const log = openDaemonLog(home);
  const line = "x".repeat(1_000_000);
  for (let round = 0; round < 8; round += 1) {
    for (let count = 0; count < 11; count += 1) log.logger.info(line);
    log.rotate();
  }
  log.logger.info("the newest");
  const names = readdirSync(join(home, "logs")).sort();
  expect(names).toEqual(["daemon.log", ...[1, 2, 3, 4, 5].map((n) => `daemon.log.${n}`)]);
  for (const name of names) {
    const { size, mode } = statSync(join(home, "logs", name));
    expect(size).toBeLessThan(12e6);
    expect(mode & 0o777).toBe(0o600);
  }
  expect(statSync(join(home, "logs", "daemon.log")).size).toBeLessThan(1_000);
});
