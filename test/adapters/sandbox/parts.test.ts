import { expect, test } from "vitest";
import { Bulkhead } from "../../../src/adapters/process/bulkhead.ts";
import { commandEnvironment } from "../../../src/adapters/sandbox/environment.ts";
import { installRemedy } from "../../../src/adapters/sandbox/programs.ts";
import { seccompFilter } from "../../../src/adapters/sandbox/seccomp.ts";
import { viewArguments } from "../../../src/adapters/sandbox/view.ts";

const never = new AbortController().signal;

test.each([
  ["ID=debian", "sudo apt install bubblewrap socat"],
  ['ID=linuxmint\nID_LIKE="ubuntu debian"', "sudo apt install bubblewrap socat"],
  ["ID=fedora", "sudo dnf install bubblewrap socat"],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"', "sudo dnf install bubblewrap socat"],
  ["ID=arch", "sudo pacman -S bubblewrap socat"],
  ["ID=alpine", "sudo apk add bubblewrap socat"],
  ["darwin", "brew install bubblewrap socat"],
  ["ID=plan9", "install bubblewrap socat with your system's package manager"],
])("knows how %j installs", (osRelease, remedy) => {
  expect(installRemedy(["bubblewrap", "socat"], osRelease)).toBe(remedy);
});

test("the environment holds what is listed, and what was added, but no loader's tricks", () => {
  const env = { PATH: "/bin:.::rel:/usr/bin", LC_ALL: "C", MY_TOKEN: "x", ANTHROPIC_API_KEY: "y" };
  const added = [{ GIT_DIR: "/g", LD_PRELOAD: "/evil.so", BASH_ENV: "/evil" }];
  const places = { home: "/h", temp: "/tmp", user: "me", added };
  expect(commandEnvironment(env, places)).toEqual({
    PATH: "/bin:/usr/bin",
    LC_ALL: "C",
    HOME: "/h",
    TMPDIR: "/tmp",
    USER: "me",
    LOGNAME: "me",
    SHELL: "/bin/sh",
    TASKDAEMON_SANDBOX: "1",
    GIT_DIR: "/g",
  });
});

test("a filter has whole instructions, and none for a processor that we do not know", () => {
  for (const architecture of ["x64", "arm64"] as const) {
    const strict = seccompFilter(architecture, { unixSockets: false });
    expect(strict?.length).toBeGreaterThan(400);
    expect((strict?.length ?? 1) % 8).toBe(0);
    expect(seccompFilter(architecture, { unixSockets: true })?.length).toBeGreaterThan(400);
  }
  expect(seccompFilter("riscv64", { unixSockets: false })).toBe(null);
});

test("inner paths are mounted after outer ones, and nothing inside what a command can write", () => {
  const args = viewArguments({
    system: [{ type: "link", path: "/bin", target: "usr/bin" }],
    readable: ["/r/repo/objects", "/w/1/.git", "/w/2"],
    writable: ["/r/repo/objects/mine", "/w/1", "/w/1/out"],
    placed: [["/temp", "/tmp"]],
    hidden: [],
  });
  expect(args.slice(0, 3)).toEqual(["--symlink", "usr/bin", "/bin"]);
  expect(args.slice(args.indexOf("/temp") - 1)).toEqual([
    ...["--bind", "/temp", "/tmp"],
    ...["--dir", "/w", "--bind", "/w/1", "/w/1"],
    ...["--ro-bind", "/w/2", "/w/2"],
    ...["--dir", "/r", "--dir", "/r/repo", "--ro-bind", "/r/repo/objects", "/r/repo/objects"],
    ...["--bind", "/r/repo/objects/mine", "/r/repo/objects/mine"],
    ...["--remount-ro", "/"],
  ]);
});

test("a bulkhead lets so many through, the rest in order, and forgets who gave up", async () => {
  const bulkhead = new Bulkhead(2);
  const order: string[] = [];
  const doors = new Map<string, () => void>();
  const enter = (name: string, signal = never) =>
    bulkhead.pass(signal, () => {
      order.push(name);
      return new Promise<string>((resolve) => doors.set(name, () => resolve(name)));
    });
  const abort = new AbortController();
  const [a, b, c, d] = [enter("a"), enter("b"), enter("c", abort.signal), enter("d")];
  await Promise.resolve();
  expect(order).toEqual(["a", "b"]);
  abort.abort();
  expect(await c).toBe(null);
  doors.get("a")?.();
  expect(await a).toBe("a");
  expect(order).toEqual(["a", "b", "d"]);
  doors.get("b")?.();
  doors.get("d")?.();
  expect(await Promise.all([b, d])).toEqual(["b", "d"]);
});
