import { expect, test } from "vitest";
import { width } from "../../src/cli/text.ts";
import { call, start } from "./call.ts";
import { complete, FakeProgram, loop } from "./fake-program.ts";

const slow = { timeout: 20_000 };
const loops = () =>
  new FakeProgram(
    loop("1", { ...complete, title: '=cmd|"x",\n数据' }),
    loop("2", { status: "running", title: "数据 and 🎉 and much more than fits a narrow line" }),
  );

test("summary says what ended, what it cost, what was delivered, and who needs a person", async () => {
  const { code, out } = await call(loops(), ["summary", "--since", "2026-01-31"]);
  expect(code).toBe(0);
  expect(out).toContain(
    "since 2026-01-31T00:00:00.000Z\n1 finished, 0 failed, 2 need you, 1 running, 0 waiting\n" +
      "1 of 1 iterations passed\n1.0k tokens in 2 requests, $0.50\n",
  );
  expect(out).toMatch(/needs you\n.*\n8 .*\n9 /);
  expect(out).toContain(`7 → main (${"c".repeat(10)})`);
  expect((await call(loops(), ["summary", "--since", "soon"])).code).toBe(2);
});

test("summary --json is one value", async () => {
  const { out } = await call(loops(), ["--json", "summary", "--since", "2026-01-31"]);
  expect(JSON.parse(out)).toMatchObject({ finished: [{ id: "7" }], merges: [{ to: "main" }] });
});

test("export writes a line a loop, and no cell is a formula or breaks its row", async () => {
  const { out } = await call(loops(), ["export"]);
  expect(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).id),
  ).toEqual(["1", "2"]);
  const csv = (await call(loops(), ["export", "--format", "csv"])).out;
  expect(csv).toContain(`1,ralph,,"'=cmd|""x"",\n数据",complete,`);
  expect(csv.split("\r\n")).toHaveLength(4);
  const markdown = (await call(loops(), ["export", "--format", "md"])).out;
  expect(markdown).toContain('| `=cmd\\|"x", 数据` |');
  expect((await call(loops(), ["--json", "export", "--format", "md"])).code).toBe(2);
});

test("watch draws within its terminal, only what is new, and leaves it as it was", async () => {
  const program = loops();
  const running = start(program, ["watch"], { terminal: { stdout: true, columns: 60 } });
  await expect.poll(() => running.out(), slow).toContain("数据 and 🎉");
  program.change("2", { status: "complete" });
  await expect.poll(() => running.out(), slow).toContain("2 complete");
  running.signal("SIGINT");
  const { code, out } = await running.done;
  expect(code).toBe(130);
  expect(out.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
  expect(out.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
  expect(out.split("\u001b[H")).toHaveLength(3);
  expect(running.listeners("SIGHUP") + running.listeners("SIGINT")).toBe(0);
});

test("a hang-up ends watch too, and without a terminal there is nothing to watch", async () => {
  const running = start(loops(), ["watch"], { terminal: { stdout: true } });
  await expect.poll(() => running.out(), slow).toContain("running");
  running.signal("SIGHUP");
  expect((await running.done).out.endsWith("\u001b[?1049l")).toBe(true);
  expect((await call(loops(), ["watch"])).code).toBe(2);
});

test.each([60, 80, 120])(
  "no line of list, tree or summary is wider than %i columns",
  async (columns) => {
    const titles = ["数据".repeat(40), "🎉".repeat(50), "e\u0301".repeat(130)];
    const program = new FakeProgram(
      loop("7", { type: "plan", status: "delegated", title: titles[0] ?? "" }),
      loop("7.1", {
        parent: "7",
        status: "blocked",
        blockedOn: "question",
        title: titles[1] ?? "",
      }),
      loop("7.2", { parent: "7", dependsOn: ["7.1"], title: titles[2] ?? "" }),
    );
    for (const command of ["list", "tree", "graph", "summary", "questions", "queue"]) {
      const { out } = await call(program, ["--no-color", command], {
        terminal: { stdout: true, columns },
      });
      const wide = out.split("\n").filter((line) => width(line) > columns);
      expect([command, wide]).toEqual([command, []]);
    }
  },
);
