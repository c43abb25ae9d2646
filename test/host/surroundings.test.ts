import { expect, test } from "vitest";
import { homeOf, type Surroundings } from "../../src/host/surroundings.ts";

const around: Surroundings = {
  env: {},
  userHome: "/home/me",
  cwd: "/project",
  pid: 1,
  euid: 1_000,
  platform: "linux",
  version: "0.1.0",
  self: ["node", "td"],
};

test.each([
  [around, "here", "/project/here"],
  [{ ...around, env: { TASKDAEMON_HOME: "/there" } }, null, "/there"],
  [{ ...around, env: { TASKDAEMON_HOME: "" } }, null, "/home/me/.local/state/taskdaemon"],
  [{ ...around, env: { XDG_STATE_HOME: "/state" } }, null, "/state/taskdaemon"],
  [{ ...around, euid: 0 }, null, "/var/lib/taskdaemon"],
  [
    { ...around, platform: "darwin" as const },
    null,
    "/home/me/Library/Application Support/taskdaemon",
  ],
])("where all state lives: %#", (from, option, home) => {
  expect(homeOf(from, option)).toBe(home);
});

test.each(["/proc", "/proc/1/home", "../proc/x"])("a home %s is refused", (option) => {
  expect(() => homeOf(around, option)).toThrow(
    /nothing can be kept in \/proc.*name another --home/,
  );
});
