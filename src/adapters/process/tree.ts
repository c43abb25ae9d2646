import { existsSync, readdirSync, readFileSync } from "node:fs";
import { kill } from "node:process";

export interface TreeUse {
  /** Every living process of the tree, its root included. */
  readonly pids: readonly number[];
  readonly rssPages: number;
}

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly rssPages: number;
  readonly isZombie: boolean;
}

/** One look at all processes of the machine. A process that ends meanwhile is left out. */
export class ProcessTable {
  readonly #children = new Map<number, Row[]>();
  readonly #rows = new Map<number, Row>();

  constructor() {
    // macOS has no /proc: there a process group is all we know.
    for (const name of existsSync("/proc/self") ? readdirSync("/proc") : []) {
      if (!/^\d+$/.test(name)) continue;
      const row = readRow(Number(name));
      if (row === null) continue;
      this.#rows.set(row.pid, row);
      const siblings = this.#children.get(row.parent);
      if (siblings === undefined) this.#children.set(row.parent, [row]);
      else siblings.push(row);
    }
  }

  /**
   * The tree below `root` by parent. In a pid namespace it is complete: whoever loses its parent
   * is given to the namespace's init, which is in the tree.
   */
  tree(root: number): TreeUse {
    const pids: number[] = [];
    let rssPages = 0;
    const queue = this.#rows.has(root) ? [root] : [];
    for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
      const row = this.#rows.get(pid);
      if (row !== undefined && !row.isZombie) {
        pids.push(pid);
        rssPages += row.rssPages;
      }
      for (const child of this.#children.get(pid) ?? []) queue.push(child.pid);
    }
    return { pids, rssPages };
  }

  get pids(): readonly number[] {
    return [...this.#rows.keys()];
  }
}

/** Memory with shared pages counted once; null where the kernel does not tell. */
export function proportionalBytes(pids: readonly number[]): number | null {
  let total = 0;
  for (const pid of pids) {
    const rollup = readProc(pid, "smaps_rollup");
    if (rollup === null) continue;
    const match = /^Pss:\s+(\d+) kB/m.exec(rollup);
    if (match !== null) total += Number(match[1]) * 1024;
  }
  return total === 0 ? null : total;
}

/** Not a zombie: an init that reaps nobody, as in many a container, keeps who was killed as one. */
export function isAlive(pid: number): boolean {
  const row = readRow(pid);
  if (row !== null) return !row.isZombie;
  // macOS has no /proc, and a Linux may hide there what is not ours.
  try {
    return kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** To a process, or with a negative number to a group; kills if not told otherwise. */
export function sendSignal(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone already, or (in a group) turned into a process of somebody else.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/** Null when the process is gone or does not let us look. */
export function readProc(pid: number | "self", file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return null;
  }
}

function readRow(pid: number): Row | null {
  const stat = readProc(pid, "stat");
  if (stat === null) return null;
  // The name may hold spaces and brackets; the fields follow its last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent] = fields;
  if (state === undefined || parent === undefined) return null;
  return {
    pid,
    parent: Number(parent),
    rssPages: Number(fields[21] ?? 0),
    isZombie: state === "Z" || state === "X",
  };
}

/** The unit of `rssPages`. Slow enough to be asked once. */
export function readPageBytes(): number {
  const match = /KernelPageSize:\s+(\d+) kB/.exec(readProc("self", "smaps") ?? "");
  return match === null ? 4096 : Number(match[1]) * 1024;
}
