import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";

export interface SandboxPrograms {
  readonly bwrap: string | null;
  readonly setpriv: string | null;
  readonly socat: string | null;
  readonly rg: string | null;
  readonly shell: string | null;
}

export type Program = "bubblewrap" | "socat" | "ripgrep" | "util-linux";

/** Looks along the search path only; a shell is there on every Unix. */
export function findPrograms(searchPath: readonly string[]): SandboxPrograms {
  const find = (name: string) => findProgram(name, searchPath);
  return {
    bwrap: find("bwrap"),
    setpriv: find("setpriv"),
    socat: find("socat"),
    rg: find("rg"),
    shell: find("bash") ?? find("sh"),
  };
}

/** What to type on this machine to get the programs. */
export function installRemedy(programs: readonly Program[], osRelease = readOsRelease()): string {
  const names = programs.join(" ");
  const like = /^ID=.*|^ID_LIKE=.*/gm;
  const family = (osRelease.match(like) ?? []).join(" ");
  if (/debian|ubuntu/.test(family)) return `sudo apt install ${names}`;
  if (/fedora|rhel|centos/.test(family)) return `sudo dnf install ${names}`;
  if (/arch/.test(family)) return `sudo pacman -S ${names}`;
  if (/alpine/.test(family)) return `sudo apk add ${names.replace("util-linux", "setpriv")}`;
  if (/suse/.test(family)) return `sudo zypper install ${names}`;
  if (osRelease === "darwin") return `brew install ${names}`;
  return `install ${names} with your system's package manager`;
}

/** Why a sandbox that is installed does not start, and what to do about it. */
export function startRemedy(stderr: string): string {
  if (/unknown option/i.test(stderr)) return "bubblewrap is too old; 0.6 or newer is needed";
  if (readSetting("kernel/apparmor_restrict_unprivileged_userns") === "1") {
    return (
      "AppArmor forbids user namespaces to bubblewrap; allow them with a profile " +
      "(/etc/apparmor.d/bwrap: `profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }`, " +
      "then `sudo systemctl reload apparmor`)"
    );
  }
  if (readSetting("kernel/unprivileged_userns_clone") === "0") {
    return "user namespaces are off; `sudo sysctl kernel.unprivileged_userns_clone=1` turns them on";
  }
  if (readSetting("user/max_user_namespaces") === "0") {
    return "user namespaces are off; `sudo sysctl user.max_user_namespaces=10000` turns them on";
  }
  if (/Operation not permitted|No permissions|Permission denied/.test(stderr)) {
    return (
      "this container forbids namespaces; start it with `--security-opt seccomp=unconfined " +
      "--cap-add SYS_ADMIN`, or run the daemon outside of it"
    );
  }
  return "see `td doctor`, or write `sandbox: { level: off }` into the user-level configuration";
}

function readOsRelease(): string {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function findProgram(name: string, searchPath: readonly string[]): string | null {
  for (const dir of searchPath) {
    const path = join(dir, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory: the next one may have it.
    }
  }
  return null;
}

/** Null where the kernel has no such setting. */
function readSetting(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch {
    return null;
  }
}
