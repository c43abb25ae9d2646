import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Surroundings } from "../../src/host/surroundings.ts";
import { findUnit, installUnit, uninstallUnit, viewUnit } from "../../src/host/unit.ts";
import { launchdJob, systemdUnit, type UnitFacts } from "../../src/host/unit-text.ts";

const facts: UnitFacts = {
  home: `/home/a b/"q" 100% $HOME \\n`,
  self: ["/opt/no de/bin/node", "/opt/td's & <co>/td.js"],
  variables: { PATH: "/usr/bin:/opt/a b%/bin" },
  keysFile: "/home/it's me/environment",
  isSystem: false,
};

test("a systemd unit quotes what it is given", () => {
  expect(systemdUnit(facts)).toMatchInlineSnapshot(`
    "# TaskDaemon wrote this: td service install writes it, td service uninstall removes it.
    [Unit]
    Description=TaskDaemon (/home/a b/"q" 100%% $HOME \\n)
    StartLimitIntervalSec=600
    StartLimitBurst=10

    [Service]
    Type=exec
    ExecStart="/opt/no de/bin/node" "/opt/td's & <co>/td.js" "start" "--foreground" "--home" "/home/a b/\\"q\\" 100%% $$HOME \\\\n"
    ExecReload=/bin/kill -HUP $MAINPID
    Environment="PATH=/usr/bin:/opt/a b%%/bin"
    # Keys: one NAME=value a line in this file, readable by you alone (chmod 600).
    EnvironmentFile=-/home/it's me/environment
    WorkingDirectory=/
    # Wrong usage, a broken configuration or another daemon: starting again helps nobody.
    Restart=on-failure
    RestartPreventExitStatus=2 3 4
    RestartSec=5
    # TERM drains: turns under way are finished. Whatever is left then is killed.
    KillMode=mixed
    TimeoutStopSec=150

    [Install]
    WantedBy=default.target
    "
  `);
});

test.runIf(spawnSync("env", ["systemd-analyze", "--version"]).status === 0)(
  "systemd reads the paths back as they were",
  () => {
    const dir = mkdtempSync(join(tmpdir(), "td-unit-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const home = join(dir, `a b "q" 100% $HOME c\\d`);
    const node = join(dir, "no de$x");
    writeFileSync(node, "#!/bin/sh\n", { mode: 0o755 });
    const file = join(dir, "taskdaemon.service");
    writeFileSync(file, systemdUnit({ ...facts, home, self: [node, facts.self[1]] }));
    const { status, stderr } = spawnSync("env", ["systemd-analyze", "verify", "--man=no", file], {
      encoding: "utf8",
    });
    expect({
      status,
      said: stderr.split("\n").filter((line) => line.includes("taskdaemon.service")),
    }).toEqual({ status: 0, said: [] });
  },
);

test("a launchd job is XML whatever it is given, and its shell reads the keys", () => {
  expect(launchdJob(facts, "taskdaemon")).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <!-- TaskDaemon wrote this: td service install writes it, td service uninstall removes it. -->
    <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
    <plist version="1.0">
    <dict>
      <key>Label</key>
      <string>taskdaemon</string>
      <key>ProgramArguments</key>
      <array>
        <string>/bin/sh</string>
        <string>-c</string>
        <string>if [ -r '/home/it'\\''s me/environment' ]; then set -a; . '/home/it'\\''s me/environment'; set +a; fi; exec "$@"</string>
        <string>td</string>
        <string>/opt/no de/bin/node</string>
        <string>/opt/td's &amp; &lt;co&gt;/td.js</string>
        <string>start</string>
        <string>--foreground</string>
        <string>--home</string>
        <string>/home/a b/"q" 100% $HOME \\n</string>
      </array>
      <key>EnvironmentVariables</key>
      <dict>
        <key>PATH</key>
        <string>/usr/bin:/opt/a b%/bin</string>
      </dict>
      <key>WorkingDirectory</key>
      <string>/</string>
      <key>RunAtLoad</key>
      <true/>
      <key>KeepAlive</key>
      <dict>
        <key>SuccessfulExit</key>
        <false/>
      </dict>
      <key>ThrottleInterval</key>
      <integer>5</integer>
      <key>ExitTimeOut</key>
      <integer>150</integer>
    </dict>
    </plist>
    "
  `);
});

test("the shell of a launchd job becomes the daemon, with the keys of the file", () => {
  const dir = mkdtempSync(join(tmpdir(), "td-unit-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const keysFile = join(dir, "it's $me");
  const echo = ["/bin/sh", "-c", 'echo "$KEY $1 $5"', "x"] as const;
  const run = () => {
    const text = launchdJob({ ...facts, home: "/h o", keysFile }, "taskdaemon");
    const words = [...text.matchAll(/<string>(.*)<\/string>/g)].map(([, word = ""]) =>
      word.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
    );
    const [sh = "", ...args] = words.slice(words.indexOf("/bin/sh"));
    const given = args.slice(0, 3).concat(echo, args.slice(4, 9));
    return execFileSync(sh, given, { encoding: "utf8", env: {} });
  };
  expect(run()).toBe(" /opt/td's & <co>/td.js /h o\n");
  writeFileSync(keysFile, "KEY='a b'\n");
  expect(run()).toBe("a b /opt/td's & <co>/td.js /h o\n");
});

interface Machine {
  readonly around: Surroundings;
  readonly home: string;
  readonly asked: () => string[];
}

/** A user of a Linux machine whose systemctl writes down what it is asked, and ends as told. */
function machine(options: { readonly systemctl: string | null }): Machine {
  const dir = mkdtempSync(join(tmpdir(), "td-unit-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const log = join(dir, "asked");
  writeFileSync(log, "");
  if (options.systemctl !== null) {
    const file = join(bin, "systemctl");
    writeFileSync(file, `#!/bin/sh\necho "$*" >> '${log}'\n${options.systemctl}\n`);
    chmodSync(file, 0o755);
  }
  const around: Surroundings = {
    ...{ userHome: dir, cwd: dir, pid: 77, euid: 1000, version: "0" },
    platform: "linux",
    env: { PATH: bin, ANTHROPIC_API_KEY: "key-of-no-account" },
    self: ["/usr/bin/node", "/opt/td.js"],
  };
  const home = join(dir, ".local", "state", "taskdaemon");
  const asked = () => readFileSync(log, "utf8").split("\n").slice(0, -1);
  return { around, home, asked };
}

test("install writes the unit whole, without a key, and enables it; uninstall takes it back", async () => {
  const { around, home, asked } = machine({ systemctl: "" });
  const dir = join(around.userHome, ".config", "systemd", "user");
  const made = await installUnit(around, home);
  expect(made).toMatchObject({ file: join(dir, "taskdaemon.service"), isEnabled: true });
  expect(readdirSync(dir)).toEqual(["taskdaemon.service"]);
  const text = readFileSync(made.file, "utf8");
  expect(text).toBe(viewUnit(around, home).text);
  expect(text).not.toContain("key-of-no-account");
  expect(findUnit(around, home)).toBe(made.file);
  expect(await installUnit(around, home)).toMatchObject({ isEnabled: true });
  expect((await uninstallUnit(around, home)).lines).toEqual([`removed ${made.file}`]);
  expect(readdirSync(dir)).toEqual([]);
  expect((await uninstallUnit(around, home)).lines).toEqual([`there is no ${made.file}`]);
  expect(asked().slice(0, 2)).toEqual([
    "--user daemon-reload",
    "--user enable --now taskdaemon.service",
  ]);
  expect(asked().slice(-2)).toEqual([
    "--user disable --now taskdaemon.service",
    "--user daemon-reload",
  ]);
});

test.each([
  [null, "there is no systemctl"],
  ["echo 'Failed to connect to bus' >&2; exit 1", "Failed to connect to bus"],
])(
  "where systemd is not at work the unit is written and that is said (%j)",
  async (systemctl, why) => {
    const { around, home } = machine({ systemctl });
    const { isEnabled, lines, file } = await installUnit(around, home);
    expect(isEnabled).toBe(false);
    expect(lines).toContain(
      `not enabled (${why}): systemctl --user enable --now taskdaemon.service`,
    );
    expect((await uninstallUnit(around, home)).lines).toEqual([
      `removed ${file} (it could not be disabled: ${why})`,
    ]);
  },
);

test("what somebody else wrote is neither replaced nor removed", async () => {
  const { around, home, asked } = machine({ systemctl: "" });
  const { file } = viewUnit(around, home);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "[Unit]\n");
  await expect(installUnit(around, home)).rejects.toThrow(/is there already, and not by td/);
  await expect(uninstallUnit(around, home)).rejects.toThrow(/is not by td service: it stays/);
  expect([readFileSync(file, "utf8"), findUnit(around, home), asked()]).toEqual([
    "[Unit]\n",
    null,
    [],
  ]);
});

test("each home has its own unit, root's is the machine's, and a line break is refused", () => {
  const { around, home } = machine({ systemctl: null });
  const other = viewUnit(around, "/srv/other").file;
  expect(other).toMatch(/\/taskdaemon-[0-9a-f]{8}\.service$/);
  expect(other).not.toBe(viewUnit(around, home).file);
  const root = viewUnit({ ...around, euid: 0 }, "/var/lib/taskdaemon");
  expect(root.file).toBe("/etc/systemd/system/taskdaemon.service");
  expect(root.enable).toBe("systemctl enable --now taskdaemon.service");
  expect(root.text).toContain("WantedBy=multi-user.target");
  const mac = viewUnit({ ...around, platform: "darwin" }, "/h");
  expect(mac.file).toMatch(/\/Library\/LaunchAgents\/taskdaemon-[0-9a-f]{8}\.plist$/);
  expect(() => viewUnit(around, "/a\nb")).toThrow(/control characters/);
  expect(() => viewUnit({ ...around, platform: "win32" }, home)).toThrow(/td start --foreground/);
});
