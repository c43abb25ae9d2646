import { expect, test } from "vitest";
import { call } from "./call.ts";
import { FakeProgram } from "./fake-program.ts";

const terminal = { stdin: true, stderr: true };
const list = `stops the daemon, at once
removes /home/td: audit, store
removes 2 refs/taskdaemon/… of /repo/.git
removes of /repo/.git: taskdaemon/1
/gone is gone: nothing is removed there
`;

test.each(["n\n", "", "\n"])(
  "purge shows what goes; answered %j it removes nothing",
  async (stdin) => {
    const program = new FakeProgram();
    const told = await call(program, ["purge", "--branches"], { terminal, stdin });
    expect(told).toEqual({
      code: 0,
      out: "",
      err: `${list}Remove all of this for good? [y/N] nothing was removed\n`,
    });
    expect(program.asked).toEqual([]);
  },
);

test("purge removes once a person agrees, then or beforehand", async () => {
  const program = new FakeProgram();
  const yes = await call(program, ["purge"], { terminal, stdin: "y\n" });
  expect(yes).toMatchObject({ code: 0, out: "removed /home/td\n" });
  expect(yes.err).toContain("leaves the branches that loops delivered (--branches removes them)");
  const beforehand = await call(program, ["--json", "purge", "--yes", "--branches"]);
  const report = { removed: true, home: "/home/td", kept: [], failed: [] };
  expect(JSON.parse(beforehand.out)).toEqual(report);
  expect(program.asked).toEqual([{ purge: { branches: false } }, { purge: { branches: true } }]);
});

test("without a terminal purge needs --yes", async () => {
  const program = new FakeProgram();
  expect(await call(program, ["purge"])).toMatchObject({ code: 2, out: "" });
  expect(program.asked).toEqual([]);
});

test("what could not be removed is told with what to do, and the exit code says so", async () => {
  const program = new FakeProgram();
  program.purged = { home: "/home/td", kept: [], failed: ["worktrees: Permission denied"] };
  const { code, out, err } = await call(program, ["purge", "--yes"]);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toContain("could not be removed: worktrees: Permission denied\n");
  expect(err).toContain("what is left is in /home/td; as the user these belong to, or as root");
});

test("service prints, installs and uninstalls", async () => {
  const program = new FakeProgram();
  expect(await call(program, ["service"])).toEqual({
    code: 0,
    out: "[Unit]\n",
    err: "goes to /etc/systemd/system/taskdaemon.service; then: systemctl enable --now taskdaemon.service\n",
  });
  expect((await call(program, ["service", "install"])).out).toBe(
    "wrote /etc/systemd/system/taskdaemon.service\nnot enabled (there is no systemctl)\n",
  );
  const removed = await call(program, ["--json", "service", "uninstall"]);
  expect(JSON.parse(removed.out)).toMatchObject({ isEnabled: false });
});
