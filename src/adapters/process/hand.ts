import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { extname, join } from "node:path";
import { sendFrame, takeFrames } from "./frames.ts";
import type { ProgramRequest, ProgramResult } from "./program.ts";
import { type ProcessEnd, type ProcessRequest, SpawnFailed } from "./run.ts";

/** What the daemon asks of its hand. */
export type Order =
  | { readonly id: number; readonly is: "program"; readonly request: ProgramRequest }
  | { readonly id: number; readonly is: "process"; readonly request: ProcessRequest }
  | { readonly id: number; readonly is: "abort" };

/** What the hand answers to each but `abort`. */
export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly couldNotStart: boolean;
      readonly text: string;
    };

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Alive {
  readonly child: ChildProcess;
  readonly socket: Socket;
  readonly waiting: Map<number, Waiting>;
}

/** Its entry lies beside us: among the sources, and in `dist`, where all files lie side by side. */
const entry = join(import.meta.dirname, `hand-main${extname(import.meta.filename)}`);
const ordersDescriptor = 3;
const closeMsMax = 5_000;

/**
 * A small process that starts programs for a large one. To fork copies the page tables of who
 * forks and stops its event loop meanwhile: 53 ms for a daemon of 500 MB, 5 for its hand. The hand
 * ends with the daemon, and all that it runs for it; when it ends before, what was under way fails
 * and the next order starts another.
 */
export class Hand {
  readonly #node: string;
  readonly #home: string;
  #alive: Alive | null = null;
  #id = 0;

  /** `home` is only for people, who see it in the list of processes. */
  constructor({ node, home }: { readonly node: string; readonly home: string }) {
    this.#node = node;
    this.#home = home;
  }

  program(request: ProgramRequest, signal: AbortSignal): Promise<ProgramResult> {
    return this.#order({ is: "program", request }, signal) as Promise<ProgramResult>;
  }

  process(request: ProcessRequest, signal: AbortSignal): Promise<ProcessEnd> {
    return this.#order({ is: "process", request }, signal) as Promise<ProcessEnd>;
  }

  /** Ends it, and what it runs; by force when that takes too long. */
  async close(): Promise<void> {
    const alive = this.#alive;
    if (alive === null) return;
    const { child, socket } = alive;
    const timer = setTimeout(() => child.kill("SIGKILL"), closeMsMax);
    const isGone = child.exitCode !== null || child.signalCode !== null;
    const gone = isGone ? null : once(child, "exit");
    socket.end();
    await gone;
    clearTimeout(timer);
  }

  async #order(
    order: Pick<Order & { request: unknown }, "is" | "request">,
    signal: AbortSignal,
  ): Promise<unknown> {
    this.#alive ??= this.#start();
    const { socket, waiting } = this.#alive;
    this.#id += 1;
    const id = this.#id;
    const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    const abort = () => sendFrame(socket, { id, is: "abort" });
    sendFrame(socket, { id, ...order });
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await answer;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #start(): Alive {
    const child = spawn(this.#node, [entry, "--home", this.#home], {
      cwd: "/",
      // None of the daemon's: it has keys in it.
      env: {},
      // A terminal's signals are for the daemon, which decides.
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    const socket = child.stdio[ordersDescriptor] as unknown as Socket;
    const waiting = new Map<number, Waiting>();
    const alive = { child, socket, waiting };
    const gone = (why: string) => {
      if (this.#alive === alive) this.#alive = null;
      for (const { reject } of waiting.values()) reject(new Error(why));
      waiting.clear();
    };
    takeFrames(socket, (value) => settle(waiting, value as Answer));
    child.once("error", (error) => gone(`no program can be started: ${error.message}`));
    socket.on("error", () => socket.destroy());
    socket.once("close", () => gone("the process that starts programs ended"));
    return alive;
  }
}

function settle(waiting: Map<number, Waiting>, answer: Answer): void {
  const asked = waiting.get(answer.id);
  waiting.delete(answer.id);
  if (answer.ok) asked?.resolve(answer.value);
  else asked?.reject(answer.couldNotStart ? new SpawnFailed(answer.text) : new Error(answer.text));
}
