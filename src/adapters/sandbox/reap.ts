import { readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { geteuid } from "node:process";
import { isAlive, readProc, sendSignal } from "../process/tree.ts";

const looksMax = 50;
/** How sandbox-runtime calls the sockets of its bridge. */
const bridgeSocket = /^claude-(http|socks)-[0-9a-f]+\.sock$/;

/**
 * Ends the bridges of daemons that were killed: `socat` outlives its parent and is given to init.
 */
export function reapBridges(): void {
  const inUse = new Set<string>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const socket = bridgeOf(Number(name));
    if (socket === null) continue;
    if (isOrphan(Number(name)) && isOurs(`/proc/${name}`)) sendSignal(Number(name), "SIGTERM");
    else inUse.add(socket);
  }
  for (const name of readdirSync(tmpdir())) {
    const path = join(tmpdir(), name);
    if (bridgeSocket.test(name) && !inUse.has(path) && isOurs(path)) rmSync(path, { force: true });
  }
}

/** Sandboxes of dead daemons of this home: one that was being built waits for its parent for ever. */
export function reapSandboxes(home: string): void {
  const temp = `${join(home, "sandbox-temp")}/`;
  // What is killed may just have had a child, which the next look finds.
  for (let look = 0; look < looksMax; look += 1) {
    const strays = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isStray(name, temp));
    if (strays.length === 0) return;
    for (const stray of strays) sendSignal(Number(stray));
  }
}

function isStray(pid: string, temp: string): boolean {
  const [program = "", ...args] = readProc(Number(pid), "cmdline")?.split("\0") ?? [];
  if (!/(^|\/)bwrap$/.test(program)) return false;
  const place = args.find((arg) => arg.startsWith(temp));
  return place !== undefined && !isAlive(Number(place.slice(temp.length).split("-")[0]));
}

function bridgeOf(pid: number): string | null {
  const [program, listen] = readProc(pid, "cmdline")?.split("\0") ?? [];
  if (program === undefined || !/(^|\/)socat$/.test(program)) return null;
  const path = /^UNIX-LISTEN:([^,]+),/.exec(listen ?? "")?.[1];
  return path !== undefined && bridgeSocket.test(path.split("/").pop() ?? "") ? path : null;
}

/** Its parent died, and init or a user's service manager took it. */
function isOrphan(pid: number): boolean {
  const parent = Number(/^PPid:\s+(\d+)/m.exec(readProc(pid, "status") ?? "")?.[1]);
  if (parent === 1) return true;
  return /^(systemd|init)$/.test(readProc(parent, "comm")?.trim() ?? "");
}

function isOurs(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.uid === geteuid?.();
}
