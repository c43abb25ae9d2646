/** The completion scripts in the shells they are for, by their own TAB key. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";
import { FakeProgram } from "./fake-program.ts";

const run = promisify(execFile);
const has = (program: string) =>
  (process.env["PATH"] ?? "").split(delimiter).some((dir) => existsSync(join(dir, program)));

/** How each is started with nothing of the machine's, and told of the script. */
const shells = {
  bash: { args: "--norc --noprofile -i", before: "set +o history" },
  zsh: { args: "-f -i", before: "autoload -Uz compinit; compinit -u -D; setopt no_list_beep" },
  fish: { args: "--no-config", before: "function fish_prompt; echo '$ '; end" },
} as const;
type Name = keyof typeof shells;

const waitMsMax = 20_000;
let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "td-tab-"));
  const td = fileURLToPath(new URL("completing.ts", import.meta.url));
  const program = `#!/bin/sh\nexec "${process.execPath}" --no-warnings "${td}" "$@"\n`;
  await writeFile(join(place, "td"), program, { mode: 0o755 });
});

afterAll(() => rm(place, { recursive: true, force: true }));

class Shell {
  readonly #socket: string;
  readonly #env: Record<string, string>;

  constructor(name: Name) {
    this.#socket = join(place, `${name}.tmux`);
    const { PATH = "" } = process.env;
    this.#env = {
      PATH: `${place}${delimiter}${PATH}`,
      HOME: place,
      LANG: "C.UTF-8",
      TERM: "xterm",
    };
  }

  /** With the script sourced twice, as by a file of settings that is read again. */
  async open(name: Name): Promise<void> {
    const { code, out } = await call(new FakeProgram(), ["completions", name]);
    expect(code).toBe(0);
    await writeFile(join(place, name), out);
    const { args, before } = shells[name];
    const command = `exec ${name} ${args}`;
    await this.#tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", command);
    await this.line(before);
    for (const _ of ["once", "twice"]) await this.line(`source ${join(place, name)}`);
    await this.line("echo sour''ced");
    await this.until("sourced");
    expect(await this.screen()).not.toMatch(/readonly|error|not found/i);
    await this.anew();
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const options = { env: this.#env };
    return (await run("tmux", ["-S", this.#socket, "-u", ...args], options)).stdout;
  }

  async line(text: string): Promise<void> {
    await this.type(text);
    await this.#tmux("send-keys", "Enter");
  }

  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", "--", text);
  }

  async tab(wanted: string, times = 1): Promise<void> {
    await this.#tmux("send-keys", ...Array<string>(times).fill("Tab"));
    await this.until(wanted);
  }

  /** An empty line on an empty screen. */
  async anew(): Promise<void> {
    await this.#tmux("send-keys", "C-u", "C-l");
    await this.#waitFor((screen) => !screen.includes("td"), "an empty screen");
  }

  async until(wanted: string): Promise<void> {
    await this.#waitFor((screen) => screen.includes(wanted), wanted);
  }

  async #waitFor(isSo: (screen: string) => boolean, what: string): Promise<void> {
    const end = Date.now() + waitMsMax;
    for (;;) {
      const screen = await this.screen();
      if (isSo(screen)) return;
      if (Date.now() > end) throw new Error(`${what} does not come:\n${screen}`);
      await setTimeout(100);
    }
  }

  async screen(): Promise<string> {
    return this.#tmux("capture-pane", "-p");
  }

  async close(): Promise<void> {
    await this.#tmux("kill-server").catch(() => undefined);
  }
}

describe.each(Object.keys(shells) as Name[])("%s", (name) => {
  const missing = [name, "tmux"].filter((program) => !has(program));
  const why = missing.length === 0 ? "" : ` (skipped: there is no ${missing.join(", no ")})`;

  test.skipIf(missing.length > 0)(
    `completes commands, and the ids of loops${why}`,
    { timeout: 5 * waitMsMax },
    async () => {
      const shell = new Shell(name);
      try {
        await shell.open(name);
        await shell.type("td answ");
        await shell.tab("td answer");
        await shell.type("3.");
        await shell.tab("td answer 3.1");
        await shell.anew();
        await shell.type("td show ");
        await shell.tab("3.1", 2);
        await shell.until("4");
      } finally {
        await shell.close();
      }
    },
  );
});
