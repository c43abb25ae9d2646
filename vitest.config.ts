import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globals: false,
    // Tests of processes mostly wait: one at a time would take a small machine a quarter of an hour.
    maxWorkers: Math.max(3, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real processes on a shared machine: what fails three times in a row is wrong.
    retry: process.env["CI"] === undefined ? 0 : 2,
    reporters: ["default", "./test/tally-reporter.ts"],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary"],
      reportOnFailure: true,
      thresholds: { lines: 80 },
    },
  },
});
