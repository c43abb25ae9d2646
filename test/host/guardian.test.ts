import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { expect, test } from "vitest";
import { guard } from "../../src/host/guardian.ts";

/** A daemon that takes the home, counts its starts there, and dies. */
const mute = `
  const { appendFileSync, writeFileSync } = require("node:fs");
  const home = process.argv.at(-1);
  appendFileSync(home + "/starts", "x");
  writeFileSync(home + "/daemon.pid", process.pid + "\\n");
  process.exit(70);
`;

test("a daemon that dies before it ever answers is given up soon", async () => {
  const home = mkdtempSync(join(tmpdir(), "td-guard-"));
  mkdirSync(join(home, "logs"));
  const said = `${"y".repeat(2 * 1024 * 1024)}\n`;
  writeFileSync(join(home, "logs", "guardian.log"), said);
  const argv = [execPath, "-e", mute, "--", home] as const;
  const code = await guard({ argv, env: {}, onSignal: () => () => undefined });
  expect(code).toBe(70);
  expect(readFileSync(join(home, "starts"), "utf8")).toBe("xxxx");
  const log = readFileSync(join(home, "logs", "guardian.log"), "utf8");
  expect(log.length).toBeLessThan(300 * 1024);
  expect(log).toMatch(
    /y\ntd: the daemon died 4 times before it answered \(exit code 70\): see .*\n$/,
  );
  rmSync(home, { recursive: true });
}, 60_000);
