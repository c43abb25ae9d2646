import { expect, test } from "vitest";
import { simulate } from "../../sim/simulate.ts";
import { regressions } from "./seeds.ts";

const lives = 150;
const deeds = [
  ...["reject 1", "edit 1", "reject 2", "drop 2", "add 2", "edit 2"],
  ...["drop 3", "add 3", "edit 3"],
];

test(`${lives} lives of crashes, faults and people come to a good end`, async () => {
  const statuses = new Set<string>();
  const anew = new Map<string, number>();
  let crashes = 0;
  for (let seed = 1; seed <= lives; seed += 1) {
    const report = await simulate(seed);
    crashes += report.crashes;
    for (const status of Object.keys(report.loops)) statuses.add(status);
    for (const [deed, count] of Object.entries(report.plannedAnew)) {
      anew.set(deed, (anew.get(deed) ?? 0) + count);
    }
  }
  expect(crashes).toBeGreaterThan(lives);
  expect([...statuses].sort()).toEqual(expect.arrayContaining(["complete", "failed", "stopped"]));
  // Plans, parts and ralphs are planned anew while the rest goes on.
  expect([...anew.keys()]).toEqual(expect.arrayContaining(deeds));
}, 120_000);

test.each(regressions)("seed %i is green: %s", async (seed) => {
  await simulate(seed);
});

test("the same seed lives the same life, another seed another", async () => {
  const [first, again, other] = [await simulate(7), await simulate(7), await simulate(8)];
  expect(again).toEqual(first);
  expect(other.fingerprint).not.toBe(first.fingerprint);
});
