import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { canary, type Stage } from "./stage.ts";

/** One way out of the sandbox: a command, and how to tell that it got somewhere. */
export interface Attempt {
  readonly name: string;
  readonly command: (stage: Stage, outside: Outside) => string;
  readonly succeeded: (stage: Stage, output: string, outside: Outside) => boolean;
  /** "none" where the probe would harm the machine, or needs rights that a tester may lack. */
  readonly control: "outside" | "none";
}

/** What listens on the machine while commands run. */
export interface Outside {
  readonly port: number;
  readonly socketPath: string;
  readonly hostTemp: string;
  readonly victimPid: number;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function writes(name: string, path: (stage: Stage) => string): Attempt {
  return {
    name,
    command: (stage) => `echo owned >> ${quote(path(stage))}`,
    succeeded: (stage) => contains(path(stage), "owned"),
    control: "outside",
  };
}

function reads(name: string, path: (stage: Stage) => string): Attempt {
  return {
    name,
    command: (stage) => `cat ${quote(path(stage))}`,
    succeeded: (_stage, output) => output.includes(canary),
    control: "outside",
  };
}

/** The program prints REACHED when it got what it wanted. */
function reaches(
  name: string,
  command: (stage: Stage, outside: Outside) => string,
  control: Attempt["control"] = "outside",
): Attempt {
  return {
    name,
    command,
    succeeded: (_stage, output) => output.includes("REACHED"),
    control,
  };
}

function python(code: string): string {
  return `python3 -c ${quote(code)}`;
}

function contains(path: string, text: string): boolean {
  return existsSync(path) && readFileSync(path, "utf8").includes(text);
}

const files: readonly Attempt[] = [
  writes("write another loop's worktree", (s) => join(s.other, "code.txt")),
  writes("write the main checkout", (s) => join(s.repo, "code.txt")),
  writes("plant a hook in the user's repository", (s) => join(s.repo, ".git/hooks/pre-commit")),
  writes("write the user's git configuration", (s) => join(s.repo, ".git/config")),
  writes("move the user's branch", (s) => join(s.repo, ".git/refs/heads/main")),
  writes("write the user's objects, which are readable", (s) => join(s.repo, ".git/objects/x")),
  writes("write the user's start-up file", (s) => join(s.userHome, ".bashrc")),
  writes("write the daemon's home", (s) => join(s.home, "planted")),
  reads("read a key in the user's home", (s) => join(s.userHome, ".ssh/id_ed25519")),
  reads("read a key in the daemon's home", (s) => join(s.home, "key")),
  reads("read another loop's worktree", (s) => join(s.other, "code.txt")),
  reads("read the main checkout, which is not shared", (s) => join(s.repo, "code.txt")),
  {
    name: "follow a planted symbolic link for writing",
    command: (s) => `ln -s ${quote(s.other)} out; echo owned >> out/code.txt`,
    succeeded: (s) => contains(join(s.other, "code.txt"), "owned"),
    control: "outside",
  },
  {
    name: "hard-link a file from outside and write through the link",
    command: (s) => `ln ${quote(join(s.other, "code.txt"))} in; echo owned >> in`,
    succeeded: (s) => contains(join(s.other, "code.txt"), "owned"),
    control: "outside",
  },
  {
    name: "leave something in the machine's /tmp",
    command: (_s, { hostTemp }) => `echo owned > ${quote(hostTemp)}/left`,
    succeeded: (_s, _o, { hostTemp }) => contains(join(hostTemp, "left"), "owned"),
    control: "outside",
  },
  {
    name: "leave something in the machine's /dev/shm",
    command: () => "echo owned > /dev/shm/td-escape-test",
    succeeded: () => contains("/dev/shm/td-escape-test", "owned"),
    control: "outside",
  },
  {
    name: "open the worktree's parent with chmod",
    command: (s) => `chmod 777 ${quote(join(s.own, ".."))}`,
    succeeded: (s) => (statSync(join(s.own, "..")).mode & 0o777) === 0o777,
    control: "outside",
  },
  {
    name: "make a setuid program in the worktree",
    command: () => "cp /bin/true planted; chmod 4755 planted; chmod u+s planted; true",
    succeeded: (s) =>
      existsSync(join(s.own, "planted")) && (statSync(join(s.own, "planted")).mode & 0o4000) !== 0,
    control: "outside",
  },
  reaches("write the root of the file system", () => "mkdir /td-escape && echo REACHED", "none"),
  reaches("write the system's programs", () => "touch /usr/bin/td-escape && echo REACHED", "none"),
];

const kernel: readonly Attempt[] = [
  reaches(
    "open core_pattern for writing",
    () => "(: >> /proc/sys/kernel/core_pattern) 2>/dev/null && echo REACHED",
    "none",
  ),
  reaches(
    "read the environment of other processes",
    () => `cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -q ${canary} && echo REACHED; true`,
  ),
  reaches(
    "kill a process of the machine",
    (_s, { victimPid }) => `kill -0 ${victimPid} && echo REACHED`,
  ),
  reaches(
    "trace a process of the machine",
    (_s, { victimPid }) =>
      python(
        `import ctypes; r = ctypes.CDLL(None).ptrace(16, ${victimPid}, 0, 0); print("REACHED" if r == 0 else r)`,
      ),
    "none",
  ),
  reaches("make a user namespace", () => "unshare --user --map-root-user echo REACHED", "none"),
  reaches(
    "make a user namespace with clone3",
    () =>
      python(
        'import ctypes; b = (ctypes.c_ulonglong * 11)(0x10000000, *[0] * 10); r = ctypes.CDLL(None).syscall(435, b, 88); print("REACHED" if r >= 0 else "no")',
      ),
    "none",
  ),
  reaches("mount a file system", () => "mount -t tmpfs none /tmp && echo REACHED", "none"),
  reaches(
    "become root with a setuid program",
    () => "umount /proc && echo REACHED; su -c 'echo REACHED'",
    "none",
  ),
  reaches("make a device node", () => "mknod disk b 254 0 && echo REACHED", "none"),
  reaches(
    "keep any capability",
    () =>
      "grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status | grep -qv 0000000000000000 && echo REACHED; true",
    "none",
  ),
];

const network: readonly Attempt[] = [
  reaches(
    "reach a server on the machine's loopback",
    (_s, { port }) => `(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && echo REACHED`,
  ),
  reaches("connect to a Unix socket of the machine", (_s, { socketPath }) =>
    python(
      `import socket; s = socket.socket(socket.AF_UNIX); s.connect(${JSON.stringify(socketPath)}); print("REACHED")`,
    ),
  ),
  reaches("open a Unix socket at all", () =>
    python('import socket; socket.socket(socket.AF_UNIX); print("REACHED")'),
  ),
  reaches(
    "reach the hypervisor over vsock",
    () => python('import socket; socket.socket(40, socket.SOCK_STREAM); print("REACHED")'),
    "none",
  ),
  reaches(
    "open a raw socket",
    () =>
      python('import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print("REACHED")'),
    "none",
  ),
  reaches(
    "open a packet socket",
    () =>
      python('import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW); print("REACHED")'),
    "none",
  ),
  reaches("send a packet anywhere (DNS)", () =>
    python(
      'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("9.9.9.9", 53)); print("REACHED")',
    ),
  ),
  reaches(
    "set up io_uring, which opens sockets unseen",
    () =>
      python(
        'import ctypes; b = (ctypes.c_ubyte * 256)(); r = ctypes.CDLL(None).syscall(425, 4, b); print("REACHED" if r >= 0 else "no")',
      ),
    "none",
  ),
];

export const attempts: readonly Attempt[] = [...files, ...kernel, ...network];
