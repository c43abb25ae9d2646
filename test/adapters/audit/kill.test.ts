import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Anchor, verifyAudit } from "../../../src/adapters/audit/verify.ts";
import { DiskAudit } from "./audit-place.ts";

let place: DiskAudit;
const children: ChildProcess[] = [];
beforeEach(async () => {
  place = await DiskAudit.make();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await place.remove();
});

/** Writes until it has anchored so often, and is killed in the middle of it. */
async function killedAfter(anchors: number): Promise<readonly Anchor[]> {
  const script = fileURLToPath(new URL("./writer-process.ts", import.meta.url));
  const file = join(place.home, "anchored");
  const child = spawn(execPath, [script, place.home, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let dots = 0;
  for await (const chunk of child.stdout) {
    dots += (chunk as Uint8Array).length;
    if (dots > anchors) break;
  }
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  return lines.map((line, index) => ({ ...JSON.parse(line), seq: index + 1 }) as Anchor);
}

test("killed while it writes, again and again: what was anchored is there, and the chain is whole", async () => {
  let records = 0;
  for (const dots of [1, 7, 30, 3, 15]) {
    const anchors = await killedAfter(dots);
    const report = await verifyAudit(place.home, anchors);
    expect(report.problem).toBeNull();
    expect(report.records).toBeGreaterThan(records);
    expect(report.records).toBeGreaterThanOrEqual(anchors.at(-1)?.count ?? 1);
    records = report.records;
  }
  expect(records).toBeGreaterThan(2_500);
});
