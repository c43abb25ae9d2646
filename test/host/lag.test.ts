import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openLagMeter } from "../../src/host/lag.ts";

function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("a busy event loop shows, and is forgotten two turns later", async () => {
  const meter = openLagMeter(400);
  await sleep(50);
  busy(1_500);
  await sleep(50);
  const lagMs = meter.lagMs();
  expect(lagMs).toBeGreaterThan(800);
  for (let tries = 0; meter.lagMs() >= lagMs && tries < 100; tries += 1) await sleep(100);
  expect(meter.lagMs()).toBeLessThan(lagMs);
  meter.close();
}, 60_000);
