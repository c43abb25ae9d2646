import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makePipes, PipePool } from "../../../src/adapters/process/pipes.ts";

test.runIf(existsSync("/proc/self/fd"))(
  "a pair that cannot be opened is free again, and nothing of it stays open",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "td-pipes-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const place = makePipes({ dir, count: 1 }, null);
    const pool = new PipePool();
    const open = () => readdirSync("/proc/self/fd").length;
    const lend = () => pool.lend(place, async ({ descriptors }) => descriptors.length);
    expect(await lend()).toBe(2);
    const before = open();
    renameSync(join(dir, "0-err"), join(dir, "away"));
    for (let time = 0; time < 20; time += 1) await expect(lend()).rejects.toThrow("ENOENT");
    renameSync(join(dir, "away"), join(dir, "0-err"));
    expect(await lend()).toBe(2);
    await expect.poll(open).toBeLessThan(before + 20);
  },
);
