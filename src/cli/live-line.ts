import type { Screen } from "./cli-world.ts";
import type { Look } from "./look.ts";

const drawMs = 100;
const eraseLine = "\r\u001b[2K";

/** One line at the bottom of a terminal that is drawn again and again; others scroll above it. */
export class LiveLine {
  readonly #screen: Screen;
  readonly #draw: (columns: number) => string;
  #timer: NodeJS.Timeout | null = null;
  #drawn = false;

  constructor(screen: Screen, draw: (columns: number) => string) {
    this.#screen = screen;
    this.#draw = draw;
  }

  /** Nothing is drawn where there is no terminal, or one that cannot go back in a line. */
  start({ width }: Look, isDumb: boolean): void {
    if (width === null || isDumb) return;
    this.#paint();
    this.#timer = setInterval(() => this.#paint(), drawMs);
  }

  /** A line that stays. */
  write(line: string): void {
    this.#erase();
    this.#screen.write(`${line}\n`);
    if (this.#timer !== null) this.#paint();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#erase();
  }

  #paint(): void {
    // The last column stays free: some terminals wrap as soon as it is filled.
    const columns = (this.#screen.columns || 80) - 1;
    this.#screen.write(eraseLine + this.#draw(columns));
    this.#drawn = true;
  }

  #erase(): void {
    if (this.#drawn) this.#screen.write(eraseLine);
    this.#drawn = false;
  }
}
