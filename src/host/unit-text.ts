/** The words of a systemd unit and a launchd job. Pure: what it writes depends on these alone. */
export interface UnitFacts {
  readonly home: string;
  /** Interpreter and script. */
  readonly self: readonly [string, string];
  /** As it is where this is written: the daemon's programs are found by it. */
  readonly variables: Readonly<Record<string, string>>;
  /** One NAME=value a line; need not exist. */
  readonly keysFile: string;
  /** Of the whole machine, or of one user. */
  readonly isSystem: boolean;
}

/** First in each of our files: only what begins so is replaced or removed. */
export const unitMark = "TaskDaemon wrote this";
/** Above what the daemon takes to drain. */
const stopSecondsMax = 150;
const restartSeconds = 5;

export function systemdUnit(facts: UnitFacts): string {
  const { home, self, variables, keysFile, isSystem } = facts;
  const [node, script] = self;
  // In the program itself systemd replaces no variables.
  const words = [script, "start", "--foreground", "--home", home].map((word) =>
    systemdWord(word.replaceAll("$", "$$$$")),
  );
  return `# ${unitMark}: td service install writes it, td service uninstall removes it.
[Unit]
Description=TaskDaemon (${systemdText(home)})
${isSystem ? "Wants=network-online.target\nAfter=network-online.target\n" : ""}StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
Type=exec
ExecStart=${systemdWord(node)} ${words.join(" ")}
ExecReload=/bin/kill -HUP $MAINPID
${Object.entries(variables)
  .map(([name, value]) => `Environment=${systemdWord(`${name}=${value}`)}\n`)
  .join("")}# Keys: one NAME=value a line in this file, readable by you alone (chmod 600).
EnvironmentFile=-${systemdText(keysFile)}
WorkingDirectory=/
# Wrong usage, a broken configuration or another daemon: starting again helps nobody.
Restart=on-failure
RestartPreventExitStatus=2 3 4
RestartSec=${restartSeconds}
# TERM drains: turns under way are finished. Whatever is left then is killed.
KillMode=mixed
TimeoutStopSec=${stopSecondsMax}

[Install]
WantedBy=${isSystem ? "multi-user.target" : "default.target"}
`;
}

/** launchd has no file of variables: a shell reads it, and becomes the daemon. */
export function launchdJob(facts: UnitFacts, label: string): string {
  const { home, self, variables, keysFile } = facts;
  const file = `'${keysFile.replaceAll("'", "'\\''")}'`;
  const shell = `if [ -r ${file} ]; then set -a; . ${file}; set +a; fi; exec "$@"`;
  const words = ["/bin/sh", "-c", shell, "td", ...self, "start", "--foreground", "--home", home];
  const pairs = Object.entries(variables).flatMap(([name, value]) => [
    `    <key>${xml(name)}</key>`,
    `    <string>${xml(value)}</string>`,
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- ${unitMark}: td service install writes it, td service uninstall removes it. -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(label)}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${xml(word)}</string>`).join("\n")}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${pairs.join("\n")}
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
  <integer>${restartSeconds}</integer>
  <key>ExitTimeOut</key>
  <integer>${stopSecondsMax}</integer>
</dict>
</plist>
`;
}

/** Whether a unit can say it at all. */
export function isSayable(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  return !/[\u0000-\u001f\u007f]/.test(text);
}

function systemdWord(word: string): string {
  const escaped = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${systemdText(escaped)}"`;
}

/** Its specifiers begin with a percent sign. */
function systemdText(text: string): string {
  return text.replaceAll("%", "%%");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

function xml(text: string): string {
  return text.replaceAll(/[&<>]/g, (found) => entities[found] ?? found);
}
