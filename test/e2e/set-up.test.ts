import { afterAll, expect, test, vi } from "vitest";
import { expectDone, mending, signFiles, withDaemon } from "./daemon-support.ts";
import { loopOf, td } from "./program.ts";
import { removePlaces } from "./support.ts";

vi.setConfig({ testTimeout: 120_000 });
afterAll(removePlaces);

const setup = "mkdir -p deps && date +%s%N > deps/made && echo >> deps/runs";
const config = `worktree: { setup: "${setup}", ports: 3 }\n`;
const files = {
  ...signFiles,
  ".gitignore": "deps/\n",
  "requirements.txt": "left==1\n",
  "check.sh":
    '#!/bin/sh\ntest "$(wc -l < deps/runs)" -eq 1 && test "$TD_PORT" -ge 20000 && test "$TD_PORTS" = 3 && grep -q plus sum.txt\n',
};

test("two loops and their verdicts are set up by one run, confined, and have ports", () =>
  withDaemon(
    mending,
    async (desk) => {
      for (let n = 0; n < 2; n += 1) {
        const run = ["--json", "run", "ralph", "Mend it.", "--validate", "./check.sh"];
        expect(loopOf(await expectDone(td(desk, run)))).toMatchObject({ status: "complete" });
      }
      const { stdout } = await expectDone(td(desk, ["--json", "audit", "list"]));
      const runs = stdout.split("deps/made").length - 1;
      expect(runs).toBe(1);
    },
    { files, config },
  ));
