/** The terminal itself: taken once, and given back however this ends. */
import type { Keyboard, Screen as Output } from "../cli/cli-world.ts";
import { type Input, InputParser } from "./input.ts";

/** A terminal sends a key's bytes together: what has not come by then does not come. */
const escapeMs = 30;

const enterText = "\u001b[?1049h\u001b[?7l\u001b[?25l\u001b[?2004h\u001b[2J";
const mouseText = "\u001b[?1000h\u001b[?1006h";
/** Undoes all of it, and harms no terminal of which nothing was asked. */
export const leaveText =
  "\u001b[?2026l\u001b[?1006l\u001b[?1000l\u001b[?2004l\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l";

type RawKeyboard = Keyboard & {
  setRawMode?(raw: boolean): unknown;
  ref?(): unknown;
  unref?(): unknown;
};

export interface TerminalOptions {
  readonly stdin: Keyboard;
  readonly stdout: Output;
  readonly mouse: boolean;
  readonly hear: (input: Input) => void;
}

export class Terminal {
  readonly #stdin: RawKeyboard;
  readonly #stdout: Output;
  readonly #mouse: boolean;
  readonly #hear: (input: Input) => void;
  readonly #parser = new InputParser();
  #timer: NodeJS.Timeout | null = null;
  #isTaken = false;

  constructor({ stdin, stdout, mouse, hear }: TerminalOptions) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#mouse = mouse;
    this.#hear = hear;
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  take(): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    this.#stdin.setRawMode?.(true);
    this.#stdin.setEncoding("utf8");
    this.#stdin.on("data", this.#read);
    this.#stdin.ref?.();
    this.#stdin.resume();
    this.#stdout.write(enterText + (this.#mouse ? mouseText : ""));
  }

  /** Safe to call at any time, again and again. Cooked before anything more is printed. */
  release(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stdin.off("data", this.#read);
    this.#stdin.setRawMode?.(false);
    this.#stdin.pause();
    this.#stdin.unref?.();
    this.#stdout.write(leaveText);
  }

  write(text: string): void {
    if (this.#isTaken && text !== "") this.#stdout.write(text);
  }

  readonly #read = (chunk: string | Uint8Array): void => {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const input of this.#parser.feed(String(chunk))) this.#hear(input);
    if (!this.#parser.isWaiting) return;
    this.#timer = setTimeout(() => {
      for (const input of this.#parser.flush()) this.#hear(input);
    }, escapeMs);
  };
}
