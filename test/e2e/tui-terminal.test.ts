import { setTimeout } from "node:timers/promises";
import stringWidth from "string-width";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import { actions, remapped } from "../../src/tui/keys.ts";
import { expectDone, mending, signFiles, untilStatus } from "./daemon-support.ts";
import { endProcessesOf } from "./processes.ts";
import { type Desk, makeDesk, program, td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";
import { type TmuxTerminal, withTui } from "./tmux.ts";

const timeout = 2 * loopTimeoutMs;
const titles = ["修复 auth 😀 写测试用例", "Cafe\u0301 with combining marks", "plain"];
let desk: Desk;
let mock: Awaited<ReturnType<typeof startMockLlm>>;

beforeAll(async () => {
  mock = await startMockLlm({ policy: mending });
  desk = await makeDesk({ modelUrl: mock.url, files: signFiles });
  await expectDone(td(desk, ["start"]));
  for (const [index, title] of titles.entries()) {
    const asked = ["run", "ralph", title, "--validate", "./check.sh", "--detach"];
    await expectDone(td(desk, asked));
    await untilStatus(desk, String(index + 1), "complete");
  }
}, timeout);

afterAll(async () => {
  await endProcessesOf(desk.place);
  await mock.close();
  await removePlaces();
});

async function expectSane(terminal: TmuxTerminal): Promise<void> {
  await terminal.type(
    "clear; stty -a | tr ';' '\\n' | grep -c -- '-icanon\\|-echo ' ; echo sane$?",
  );
  await terminal.keys("Enter");
  await terminal.until("sane1");
  const flags = ["alternate_on", "cursor_flag", "mouse_any_flag", "wrap_flag"];
  expect(await Promise.all(flags.map((flag) => terminal.format(flag)))).toEqual([
    "0",
    "1",
    "0",
    "1",
  ]);
}

test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
  "%s leaves a sane terminal",
  async (signal) => {
    await withTui(desk, {}, async (terminal) => {
      process.kill(await terminal.pid(), signal);
      await terminal.until("the daemon goes on");
      await expectSane(terminal);
    });
  },
  timeout,
);

test(
  "a crash leaves a sane terminal, and its reason below",
  async () => {
    const planted = "data:text/javascript,setTimeout(()=>{throw(Error('planted'))},3000)";
    const env = { NODE_OPTIONS: `--import="${planted}"` };
    await withTui(desk, { env }, async (terminal) => {
      await terminal.until("planted");
      await terminal.type("unset NODE_OPTIONS");
      await terminal.keys("Enter");
      await expectSane(terminal);
    });
  },
  timeout,
);

test(
  "Ctrl-Z suspends it in a sane terminal, and fg goes on",
  async () => {
    await withTui(desk, {}, async (terminal) => {
      await terminal.keys("C-z");
      await terminal.until("Stopped");
      await expectSane(terminal);
      await terminal.type("fg");
      await terminal.keys("Enter");
      await terminal.until("3 of 3");
      await terminal.keys("4");
      await terminal.until("[4 Records]");
    });
  },
  timeout,
);

test(
  "what a killed one left behind is mended by --restore-terminal",
  async () => {
    await withTui(desk, {}, async (terminal) => {
      process.kill(await terminal.pid(), "SIGKILL");
      await terminal.type(`${process.execPath} ${program} tui --restore-terminal`);
      await terminal.keys("C-j");
      await setTimeout(1_000);
      await expectSane(terminal);
    });
  },
  timeout,
);

const sizes = [
  { columns: 120, rows: 40 },
  { columns: 90, rows: 28 },
  { columns: 60, rows: 20 },
] as const;

test.each(sizes)(
  "frames stand straight at $columns × $rows, whatever the titles",
  async (size) => {
    await withTui(desk, size, async (terminal) => {
      await terminal.until("修复");
      for (const key of [
        "1",
        "Escape",
        "2",
        "3",
        "4",
        "5",
        "?",
        "Escape",
        ":",
        "Escape",
        "!",
        "Escape",
        "3",
        "w",
      ]) {
        await terminal.keys(key);
        await setTimeout(300);
        const lines = (await terminal.screen()).split("\n").filter((line) => /^[│╭╰]/u.test(line));
        const crooked = lines.filter((line) => stringWidth(line) !== size.columns);
        expect(crooked, key).toEqual([]);
        expect(lines.length).toBeGreaterThan(size.rows / 2);
      }
    });
  },
  timeout,
);

test(
  "every key in every view is survived, and the help names it",
  async () => {
    const { keys } = remapped({});
    const unwanted = ["quit", "suspend"];
    const names: Readonly<Record<string, string>> = {
      enter: "Enter",
      escape: "Escape",
      space: "Space",
      tab: "Tab",
      "S-tab": "BTab",
      "M-enter": "M-Enter",
      pageup: "PageUp",
      pagedown: "PageDown",
      up: "Up",
      down: "Down",
      left: "Left",
      right: "Right",
      home: "Home",
      end: "End",
    };
    await withTui(desk, { env: { EDITOR: "true" } }, async (terminal) => {
      const pid = await terminal.pid();
      for (const view of ["2", "3", "4", "5"]) {
        for (const action of actions.filter((each) => !unwanted.includes(each))) {
          for (const key of keys[action]) {
            await terminal.keys(view, names[key] ?? key, "Escape", "Escape");
          }
        }
      }
      await terminal.keys("Escape", "3");
      await terminal.until("[3 Executions]");
      expect(await terminal.pid()).toBe(pid);
      await terminal.keys("?", "m", "a", "r", "k");
      await terminal.until("actions then concern all marks in sight");
    });
  },
  timeout,
);

test(
  "with NO_COLOR nothing is coloured, and a state is still told by glyph and word",
  async () => {
    await withTui(desk, { env: { NO_COLOR: "1" } }, async (terminal) => {
      await terminal.until("✓ complete");
      const codes = [...(await terminal.painted()).matchAll(/\[([\d;]*)m/g)].map(
        ([, code]) => code,
      );
      const coloured = codes.filter((code) =>
        /(?:^|;)(?:[34][0-8]|9\d|10\d)(?:;|$)/.test(code ?? ""),
      );
      expect(coloured).toEqual([]);
    });
  },
  timeout,
);
