import { afterAll, expect, test } from "vitest";
import {
  expectDone,
  mending,
  runDetached,
  signFiles,
  slow,
  untilStatus,
  withDaemon,
} from "./daemon-support.ts";
import { td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";
import { withTui } from "./tmux.ts";

afterAll(removePlaces);

const timeout = 2 * loopTimeoutMs;

test(
  "a loop is seen from its first step to its end, with its output, changes and cost",
  async () => {
    await withDaemon(
      slow(mending, 400),
      async (desk) => {
        await withTui(desk, {}, async (terminal) => {
          await terminal.until("Nothing yet.");
          await runDetached(desk);
          await terminal.until("● running");
          await terminal.until("✓ complete");
          await terminal.until("exit code 0");
          await terminal.keys("d");
          await terminal.until("+plus");
          await terminal.keys("]");
          await terminal.until("./check.sh");
          await terminal.keys("]");
          await terminal.until("cache read");
          await terminal.keys("w");
          await terminal.until("The work is on");
        });
      },
      { files: signFiles },
    );
  },
  timeout,
);

test(
  "what is asked for is done: stop asks, pause and resume do not",
  async () => {
    await withDaemon(
      mending,
      async (desk) => {
        await expectDone(
          td(desk, [
            "--json",
            "run",
            "ralph",
            "First.",
            "--validate",
            "false",
            "--max-iterations",
            "1",
            "--detach",
          ]),
        );
        await untilStatus(desk, "1", "failed");
        await runDetached(desk, "--after", "1");
        await withTui(desk, { columns: 90, rows: 28 }, async (terminal) => {
          await terminal.until("◌ pending");
          await terminal.keys("j", "p");
          await terminal.until("◐ paused");
          await terminal.keys("r");
          await terminal.until("◌ pending");
          await terminal.keys("x");
          await terminal.until("Stop for good: 2");
          await terminal.keys("y");
          await terminal.until("■ stopped");
        });
      },
      { files: signFiles },
    );
  },
  timeout,
);

test(
  "it leaves a sane terminal, and the daemon goes on",
  async () => {
    await withDaemon(mending, async (desk) => {
      for (const size of [
        { columns: 120, rows: 40 },
        { columns: 60, rows: 20 },
      ]) {
        await withTui(desk, size, async (terminal) => {
          expect(await terminal.format("alternate_on")).toBe("1");
          await terminal.keys("q");
          await terminal.until("the daemon goes on");
          await terminal.until(/ends it\)\n#/);
          expect(await terminal.format("alternate_on")).toBe("0");
          expect(await terminal.format("cursor_flag")).toBe("1");
          expect(await terminal.format("mouse_any_flag")).toBe("0");
        });
      }
      expect((await td(desk, ["ping"])).code).toBe(0);
    });
  },
  timeout,
);

test(
  "a daemon that restarts under it is waited for, and it says so",
  async () => {
    await withDaemon(
      mending,
      async (desk) => {
        await runDetached(desk);
        await untilStatus(desk, "1", "complete");
        await withTui(desk, {}, async (terminal) => {
          await terminal.until("✓ complete");
          await expectDone(td(desk, ["stop", "--now"]));
          await terminal.until("the daemon does not answer");
          await expectDone(td(desk, ["start"]));
          await terminal.untilGone("the daemon does not answer");
          await terminal.until("live");
          await runDetached(desk);
          await terminal.until("2 of 2");
        });
      },
      { files: signFiles },
    );
  },
  timeout,
);

test(
  "without a terminal it says what works instead",
  async () => {
    await withDaemon(mending, async (desk) => {
      const told = await td(desk, ["tui"]);
      expect([told.code, told.stderr]).toEqual([2, expect.stringContaining("td list")]);
    });
  },
  timeout,
);
