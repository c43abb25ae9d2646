/** A process that was killed and that its parent does not reap, as no init of many a container does. */
import { spawn } from "node:child_process";
import { kill } from "node:process";
import { expect, vi } from "vitest";
import { readProc } from "../src/adapters/process/tree.ts";

export interface Zombie {
  readonly pid: number;
  readonly parent: number;
  /** Ends the parent, and whoever takes the zombie over may reap it. */
  end(): Promise<void>;
}

export async function makeZombie(options: { readonly cwd?: string } = {}): Promise<Zombie> {
  // The shell becomes a program that waits for nobody.
  const script = "sleep 60 & echo $!; exec sleep 60";
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const child = spawn("sh", ["-c", script], { ...options, stdio: [...stdio], detached: true });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const parent = child.pid ?? 0;
  const pid = Number(await new Promise((resolve) => child.stdout?.once("data", resolve)));
  await vi.waitFor(() => expect(readProc(parent, "comm")).toBe("sleep\n"));
  kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(readProc(pid, "status")).toMatch(/^State:\tZ/m));
  const end = async () => {
    kill(-parent, "SIGKILL");
    await ended;
  };
  return { pid, parent, end };
}
