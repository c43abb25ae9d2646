import { type NetworkPass, relayPort } from "./network.ts";
import type { SandboxPrograms } from "./programs.ts";
import { proxySocketPlace, type View, viewArguments } from "./view.ts";

/**
 * How commands lose the daemon's rights.
 * - `user`: we are an ordinary user; bubblewrap makes a user namespace.
 * - `root`: bubblewrap builds the view as root, so that nothing is out of its reach, and the
 *   command's user id is dropped for good inside it: no user namespace, no capability.
 * - `dropped`: we are a root that may not mount (a container); bubblewrap itself runs dropped.
 */
export type Confinement = "user" | "root" | "dropped";

export interface ShellGround {
  readonly programs: SandboxPrograms;
  readonly strayDescriptors: readonly number[];
  /** Null when commands are who the daemon is. */
  readonly dropTo: number | null;
  readonly slots: number;
}

export interface WrapRequest {
  readonly confinement: Confinement;
  readonly uid: number;
  readonly ground: ShellGround;
  readonly view: View;
  readonly cwd: string;
  readonly command: string;
  readonly pass: NetworkPass | null;
}

/** Processes and threads, for each command that may run at once. */
const tasksPerSlot = 1_024;
/** Where commands run as the user whose own programs count too: half of the smallest process table. */
const tasksOfUserMin = 16_384;
/** One file of a command may grow to this size: 2 GiB, in bash's unit. */
const fileKibibytesMax = 2 * 1024 * 1024;
/**
 * `--die-with-parent` takes hold late: a daemon that dies while bubblewrap still builds its view
 * would leave the command running. So the command asks first, and without an answer it ends.
 */
const handshake = "echo >&5; read -r go <&5 || exit 125; unset go; exec 5>&-; ";
const relayRoundsMax = 200;
const namespaces = [
  "--unshare-pid",
  "--unshare-net",
  "--unshare-ipc",
  "--unshare-uts",
  "--unshare-cgroup-try",
  "--die-with-parent",
  "--new-session",
  "--json-status-fd",
  "3",
  "--seccomp",
  "4",
];
const rights: Readonly<Record<Confinement, readonly string[]>> = {
  user: ["--unshare-user", "--cap-drop", "ALL"],
  dropped: ["--unshare-user", "--cap-drop", "ALL"],
  root: ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"],
};

/** The whole command line; expects a status pipe at 3 and the system call filter at 4. */
export function wrapCommand(request: WrapRequest): [string, ...string[]] {
  const { confinement, ground, view, pass } = request;
  const { programs } = ground;
  const command =
    pass === null
      ? shellArguments(ground, `${handshake}${request.command}`)
      : relayed(ground, shellArguments(ground, request.command));
  const placed = pass === null ? [] : [[pass.socketPath, proxySocketPlace] as const];
  return [
    programs.bwrap ?? "bwrap",
    ...namespaces,
    ...rights[confinement],
    ...viewArguments({ ...view, placed: [...view.placed, ...placed] }),
    "--chdir",
    request.cwd,
    "--",
    ...(confinement === "root" ? dropUser(programs.setpriv ?? "setpriv", request.uid) : []),
    ...command,
  ];
}

/** Limits are set by the shell itself: another program to set them would cost a start. */
export function shellArguments(ground: ShellGround, command: string): [string, string, string] {
  const shell = shellOf(ground);
  const tasks = `ulimit -${shell.endsWith("bash") ? "u" : "p"} ${tasksMax(ground)} 2>/dev/null; `;
  // dash counts in blocks of 512 bytes where bash counts in 1024; twice as strict is fine.
  const files = `ulimit -c 0; ulimit -f ${fileKibibytesMax}; `;
  return [shell, "-c", `${closingStrays(ground)}${tasks}${files}${command}`];
}

/** What outlives it in the sandbox would lend them to the command: /proc shows descriptors. */
function closingStrays(ground: ShellGround): string {
  // Only bash closes descriptors of more than one digit.
  const isBash = shellOf(ground).endsWith("bash");
  const closed = ground.strayDescriptors.filter((descriptor) => descriptor < 10 || isBash);
  return closed.map((descriptor) => `exec ${descriptor}>&-; `).join("");
}

function shellOf({ programs }: ShellGround): string {
  return programs.shell ?? "/bin/sh";
}

/**
 * The kernel counts them per user, so this is for all commands together: a storm that outruns the
 * watch of its own tree leaves the others room.
 */
function tasksMax({ dropTo, slots }: ShellGround): number {
  return Math.max(slots * tasksPerSlot, dropTo === null ? tasksOfUserMin : 0);
}

function dropUser(setpriv: string, uid: number): string[] {
  const id = String(uid);
  return [
    setpriv,
    ...["--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs"],
    ...["--inh-caps=-all", "--bounding-set=-all", "--"],
  ];
}

/** Starts the relay to the proxy, waits until it listens, and becomes the command. */
function relayed(ground: ShellGround, command: readonly string[]): string[] {
  const { socat } = ground.programs;
  const listen = `TCP-LISTEN:${relayPort},bind=127.0.0.1,fork,reuseaddr,backlog=4096`;
  const port = relayPort.toString(16).toUpperCase().padStart(4, "0");
  const script = [
    `${closingStrays(ground)}${handshake}`,
    `"$1" ${listen} UNIX-CONNECT:${proxySocketPlace} </dev/null >/dev/null 2>&1 &`,
    "n=0",
    `until grep -q ":${port} .* 0A " /proc/net/tcp || [ $n -ge ${relayRoundsMax} ]; do`,
    "  n=$((n + 1)); sleep 0.01",
    "done",
    'shift; exec "$@"',
  ].join("\n");
  return [shellOf(ground), ...["-c", script, "sh", socat ?? "socat"], ...command];
}
