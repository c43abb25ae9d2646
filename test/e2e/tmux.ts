/** The program in a real terminal. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { type Desk, program } from "./program.ts";

const run = promisify(execFile);
const waitMsMax = 40_000;

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Run instead of `td tui`, by a shell. */
  readonly command?: string;
  readonly args?: readonly string[];
}

export class TmuxTerminal {
  readonly #socket: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(socket: string, env: Readonly<Record<string, string>>) {
    this.#socket = socket;
    this.#env = env;
  }

  /** A shell whose only child is the program; its terminal is looked at like a person does. */
  static async open(desk: Desk, options: TerminalOptions = {}): Promise<TmuxTerminal> {
    const { columns = 120, rows = 40 } = options;
    const env = { ...desk.env, TERM: "xterm-256color", ...options.env };
    const terminal = new TmuxTerminal(join(desk.place, `tmux-${randomUUID().slice(0, 8)}`), env);
    const size = ["-x", String(columns), "-y", String(rows)];
    await terminal.tmux("-f", "/dev/null", "new-session", "-d", ...size, "-c", desk.repo, "sh");
    await terminal.tmux("set-option", "-g", "escape-time", "0");
    const td = `${process.execPath} ${program} --home ${desk.home} tui ${(options.args ?? []).join(" ")}`;
    await terminal.type(options.command ?? td);
    await terminal.keys("Enter");
    return terminal;
  }

  async tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("tmux", ["-S", this.#socket, "-u", ...args], { env: this.#env });
    return stdout;
  }

  /** Names of keys as tmux has them. */
  async keys(...names: readonly string[]): Promise<void> {
    await this.tmux("send-keys", ...names);
  }

  async type(text: string): Promise<void> {
    await this.tmux("send-keys", "-l", "--", text);
  }

  /** The lines that are on the screen. */
  async screen(): Promise<string> {
    return this.tmux("capture-pane", "-p");
  }

  async painted(): Promise<string> {
    return this.tmux("capture-pane", "-p", "-e");
  }

  async format(name: string): Promise<string> {
    return (await this.tmux("display-message", "-p", `#{${name}}`)).trim();
  }

  /** The process of the program, the shell's only child. */
  async pid(): Promise<number> {
    const shell = await this.format("pane_pid");
    const { stdout } = await run("pgrep", ["-P", shell]);
    return Number(stdout.trim().split("\n")[0]);
  }

  /** Waits until it is on the screen; throws with the screen when it does not come. */
  async until(wanted: string | RegExp, waitMs: number = waitMsMax): Promise<string> {
    const isThere = (text: string) =>
      typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
    return this.#waitFor(isThere, `${wanted} does not come`, waitMs);
  }

  async untilGone(unwanted: string): Promise<string> {
    return this.#waitFor((text) => !text.includes(unwanted), `${unwanted} stays`, waitMsMax);
  }

  async #waitFor(isSo: (text: string) => boolean, what: string, waitMs: number): Promise<string> {
    const end = Date.now() + waitMs;
    for (;;) {
      const text = await this.screen();
      if (isSo(text)) return text;
      if (Date.now() > end) throw new Error(`${what}:\n${text}`);
      await setTimeout(50);
    }
  }

  async close(): Promise<void> {
    await this.tmux("kill-server").catch(() => undefined);
  }
}

/** `td tui`, live, in a terminal of its own. */
export async function withTui(
  desk: Desk,
  options: TerminalOptions,
  body: (terminal: TmuxTerminal) => Promise<void>,
): Promise<void> {
  const terminal = await TmuxTerminal.open(desk, options);
  try {
    await terminal.until("live");
    await body(terminal);
  } finally {
    await terminal.close();
  }
}
