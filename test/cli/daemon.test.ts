import { describe, expect, test } from "vitest";
import { compareVersions } from "../../src/cli/versions.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";
import { call } from "./call.ts";
import { FakeProgram, loop } from "./fake-program.ts";

const started = "started the daemon (pid 77); td stop ends it\n";

describe("what needs the daemon starts it when none runs, and says so", () => {
  test.each([
    ["run", "ralph", "x"],
    ["run", "--resume", "1"],
    ["pause", "1"],
    ["stop", "1"],
    ["answer", "1", "yes"],
    ["rollback", "1", "--to", "0"],
  ])("%s %s %s %s %s", async (...argv) => {
    const program = new FakeProgram(loop("1"));
    program.daemonRuns = false;
    const { code, err } = await call(program, argv);
    expect(code).toBe(0);
    expect(err).toContain(started);
    expect(program.daemonRuns).toBe(true);
  });
});

test("what only reads starts nothing", async () => {
  const program = new FakeProgram(loop("1"));
  program.daemonRuns = false;
  for (const argv of [
    ["list"],
    ["show", "1"],
    ["why", "1"],
    ["logs", "1"],
    ["events"],
    ["diff", "1"],
  ]) {
    expect((await call(program, argv)).code).toBe(0);
  }
  expect((await call(program, ["run", "ralph", "x", "--dry-run"])).code).toBe(0);
  expect(program.daemonRuns).toBe(false);
});

test("--no-start refuses with 4 what needs a daemon that does not run, and nothing else", async () => {
  const program = new FakeProgram(loop("1"));
  program.daemonRuns = false;
  for (const argv of [
    ["run", "ralph", "x"],
    ["run", "ralph", "x", "--detach"],
    ["pause", "1"],
  ]) {
    expect(await call(program, ["--no-start", ...argv])).toEqual({
      code: 4,
      out: "",
      err: "td: no daemon runs, and --no-start forbids it: td start\n",
    });
  }
  expect((await call(program, ["--no-start", "list"])).code).toBe(0);
  expect(program.daemonRuns).toBe(false);
  program.daemonRuns = true;
  expect((await call(program, ["--no-start", "pause", "1"])).code).toBe(0);
});

test("what is wrong with a request is told before a daemon is started for it", async () => {
  const program = new FakeProgram();
  program.daemonRuns = false;
  program.plan = () => Promise.reject(new UserError(exitCodes.person, "No API key"));
  for (const more of [[], ["--detach"]]) {
    const told = await call(program, ["run", "ralph", "x", ...more]);
    expect(told).toEqual({ code: 5, out: "", err: "td: No API key\n" });
  }
  expect(program.daemonRuns).toBe(false);
});

// ── versions ─────────────────────────────────────────────────────────────────────────────────

function meeting(daemonVersion: string): FakeProgram {
  const program = new FakeProgram(loop("1"));
  program.daemonVersion = daemonVersion;
  return program;
}

const terminal = { stdin: true, stderr: true };

test("an older daemon is not replaced unasked", async () => {
  const program = meeting("1.2.2");
  const told = await call(program, ["pause", "1"]);
  expect(told).toEqual({
    code: 4,
    out: "",
    err: "td: the daemon is version 1.2.2, this td is 1.2.3: td restart drains and replaces it\n",
  });
  expect((await call(program, ["pause", "1"], { terminal, stdin: "n\n" })).code).toBe(4);
  expect(program.daemonVersion).toBe("1.2.2");
});

test("an older daemon is drained and replaced for who says yes, then or beforehand", async () => {
  const asked = meeting("1.2.2");
  const told = await call(asked, ["pause", "1"], { terminal, stdin: "y\n" });
  expect(told.code).toBe(0);
  expect(told.err).toContain("Drain it and start this one in its place? [y/N]");
  expect([asked.daemonVersion, asked.daemonRuns]).toEqual(["1.2.3", true]);
  const agreed = meeting("1.2.2");
  expect((await call(agreed, ["run", "ralph", "x", "--yes"])).code).toBe(0);
  expect(agreed.daemonVersion).toBe("1.2.3");
});

test("a newer daemon is not spoken to, but can be looked at, stopped and restarted", async () => {
  const program = meeting("1.10.0");
  for (const argv of [
    ["run", "ralph", "x"],
    ["run", "ralph", "x", "--yes"],
    ["stop", "1"],
  ]) {
    const { code, err } = await call(program, argv);
    expect(code).toBe(4);
    expect(err).toMatch(
      /^td: the daemon is version 1\.10\.0, this td is 1\.2\.3: use the newer td/,
    );
  }
  for (const argv of [["status"], ["ping"], ["queue"], ["restart"]]) {
    expect((await call(program, argv)).code).toBe(0);
  }
  expect(program.daemonVersion).toBe("1.2.3");
});

test("versions have an order", () => {
  const ordered = [
    "no version",
    "0.9.9",
    "1.0.0-rc.2",
    "1.0.0-rc.10",
    "1.0.0",
    "1.0.1",
    "1.10.0",
    "2.0.0",
  ];
  for (const [left, a] of ordered.entries()) {
    for (const [right, b] of ordered.entries()) {
      expect([a, b, Math.sign(compareVersions(a, b))]).toEqual([a, b, Math.sign(left - right)]);
    }
  }
});
