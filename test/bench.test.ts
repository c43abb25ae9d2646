import { expect, test } from "vitest";
import { loop as benchLoop, statusView as benchStatus } from "../bench/tui-rows.mjs";
import { loop } from "./cli/fake-program.ts";
import { statusView } from "./cli/fake-status.ts";

/** The benchmark of the screen loads no TypeScript, so that its memory is the screen's alone. */
test("the benchmark of the screen draws what the daemon tells", () => {
  expect(benchStatus).toEqual(statusView);
  const keysOf = (row: object) => Object.keys(row).toSorted();
  expect(keysOf(benchLoop("1", {}))).toEqual(keysOf(loop("1")));
});
