/** `td tui`: a process of its own that looks at the daemon. */
import { setFlagsFromString } from "node:v8";
import type { CliWorld, TuiOptions } from "../cli/cli-world.ts";
import { openAnyDaemon } from "../cli/reach.ts";
import type { Session } from "../cli/session.ts";
import { oneLine } from "../cli/text.ts";
import type { BoardMessage } from "../protocol/board.ts";
import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { newChat } from "./chat-model.ts";
import { draw } from "./draw.ts";
import { Effects } from "./effects.ts";
import type { Input } from "./input.ts";
import { keysOf } from "./key-file.ts";
import { type Effect, firstModel, type Message, type Model, selectedLoop } from "./model.ts";
import { Screen } from "./screen.ts";
import type { Style } from "./style.ts";
import { leaveText, Terminal } from "./terminal.ts";
import { type Depth, depthOf, painter, type ThemeName, themeNames, themeOf } from "./theme.ts";
import { update } from "./update.ts";

/** Data frames are at most this many a second; a key paints at once. */
const frameMs = 50;
const tickMs = 1_000;
const eventsEveryMs = 500;
const columnsMin = 20;
const rowsMin = 6;

export async function tui(session: Session, options: TuiOptions): Promise<number> {
  const { stdin, stdout } = session.world;
  if (options.restoreTerminal === true) {
    stdout.write(leaveText);
    // Not by this process: at its end it gives a terminal back as it was found, which is broken.
    if (stdin.isTTY === true) session.world.become("/bin/sh", ["sh", "-c", "stty sane"]);
    return exitCodes.done;
  }
  if (stdin.isTTY !== true || stdout.isTTY !== true) {
    const message = "td tui needs a terminal: td list and td logs -f work without one";
    throw new UserError(exitCodes.usage, message);
  }
  // Frames are short-lived rubbish: without it the young heap grows to 158 MB, with it to 98.
  setFlagsFromString("--optimize-for-size");
  const door = await openAnyDaemon(session);
  return new Tui(session, door, options).run();
}

class Tui {
  readonly #session: Session;
  readonly #world: CliWorld;
  readonly #door: Door;
  readonly #terminal: Terminal;
  readonly #effects: Effects;
  readonly #depth: Depth;
  readonly #ended = Promise.withResolvers<number>();
  readonly #offs: (() => void)[] = [];
  #model: Model;
  #screen: Screen;
  #painted: ThemeName;
  #paint: (style: Style) => string;
  #frame: NodeJS.Timeout | null = null;
  #paintedAt = 0;

  constructor(session: Session, door: Door, options: TuiOptions) {
    const { world } = session;
    this.#session = session;
    this.#world = world;
    this.#door = door;
    const { columns, rows } = sizeOf(world);
    const theme = themeNames.find((name) => name === options.theme) ?? themeOf(world.env);
    const { keys, problem } = keysOf(session.place.home);
    const first = firstModel({ columns, rows, now: Date.now(), keys, theme });
    this.#model = { ...first, chat: newChat(session.place.dir) };
    this.#depth = depthOf(world.env, session.look.colour);
    this.#painted = theme;
    this.#paint = painter(theme, this.#depth);
    this.#screen = new Screen(columns, rows);
    this.#terminal = new Terminal({
      stdin: world.stdin,
      stdout: world.stdout,
      mouse: options.mouse,
      hear: (input) => this.#guard(() => this.#hear(input)),
    });
    this.#effects = new Effects({
      door,
      session,
      tell: (message) => this.#tell(message),
      fail: (error) => this.#ended.reject(error),
    });
    if (problem !== null) this.#tell({ type: "notice", text: problem, isError: true });
  }

  /** Resolves to the exit code once the person leaves, or the system says so. */
  async run(): Promise<number> {
    const world = this.#world;
    const link = await this.#door.board({
      hear: (message) => this.#guard(() => this.#hearBoard(message)),
      linked: (isLinked) => this.#tell({ type: "link", link: isLinked ? "live" : "lost" }),
    });
    this.#terminal.take();
    this.#effects.focus = (id) => link.focus(id);
    const timers = [
      setInterval(() => this.#tell({ type: "tick", now: Date.now() }), tickMs),
      setInterval(() => this.#guard(() => this.#poll()), eventsEveryMs),
    ];
    const end = () => this.#ended.resolve(exitCodes.interrupted);
    this.#offs.push(
      world.onSignal("SIGTERM", end),
      world.onSignal("SIGHUP", end),
      world.onSignal("SIGINT", end),
      world.onSignal("SIGCONT", () => this.#back()),
      world.onCrash(() => this.#terminal.release()),
    );
    const resized = () => this.#guard(() => this.#resize());
    world.stdout.on("resize", resized);
    // A dead terminal hangs up only on whom it has in the foreground.
    const streams = [world.stdin, world.stdout];
    for (const stream of streams) stream.on("error", end).on("end", end).on("close", end);
    this.#draw();
    try {
      return await this.#ended.promise;
    } finally {
      world.stdout.off("resize", resized);
      for (const stream of streams) stream.off("error", end).off("end", end).off("close", end);
      for (const off of this.#offs) off();
      for (const timer of timers) clearInterval(timer);
      if (this.#frame !== null) clearTimeout(this.#frame);
      this.#effects.close();
      link.close();
      this.#terminal.release();
      this.#session.say("left; the daemon goes on (td stop ends it)");
    }
  }

  /** A bug ends the screen, and is told once the terminal is as it was. */
  #guard(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#ended.reject(error);
    }
  }

  #hear(input: Input): void {
    this.#step(input);
    this.#draw();
  }

  #tell(message: Message): void {
    this.#guard(() => {
      this.#step(message);
      this.#soon();
    });
  }

  #hearBoard(message: BoardMessage): void {
    switch (message.kind) {
      case "snapshot":
        this.#tell({ type: "rows", rows: message.rows, isFirst: message.isFirst });
        break;
      case "rows":
        this.#tell({ type: "rows", rows: message.rows, isFirst: false });
        break;
      case "steps":
        this.#tell({ type: "steps", events: message.events });
        break;
      case "live":
        this.#tell({ type: "live", loop: message.loop, events: message.events });
        break;
      case "status":
        this.#tell({ type: "status", status: message.status });
        break;
      default:
        message satisfies never;
    }
  }

  #step(message: Message): void {
    const before = this.#model;
    const { model, effects } = update(before, message);
    this.#model = model;
    for (const effect of effects) this.#do(effect);
    this.#effects.look(selectedLoop(model)?.id ?? null);
    const needed = (status: Model["status"]) => status?.loops["blocked"] ?? 0;
    if (needed(before.status) !== needed(model.status)) this.#effects.questions();
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "quit":
        this.#ended.resolve(exitCodes.done);
        break;
      case "redraw":
        this.#screen.forget();
        break;
      case "suspend":
        this.#suspend();
        break;
      case "copy":
        this.#terminal.write(clipboard(effect.text));
        break;
      case "edit":
        this.#edit(effect.id);
        break;
      default:
        this.#effects.carryOut(effect);
    }
  }

  /** What the board does not tell. */
  #poll(): void {
    const { view, events, link } = this.#model;
    if (view === "events" && link === "live") {
      this.#effects.carryOut({ type: "events", from: events.next === 0 ? null : events.next });
    }
  }

  #suspend(): void {
    this.#terminal.release();
    this.#world.suspend();
  }

  /** After Ctrl-Z and fg, or an editor. */
  #back(): void {
    this.#terminal.take();
    this.#resize();
  }

  #edit(id: string): void {
    this.#terminal.release();
    this.#effects.edit(id).then(
      (text) => {
        this.#back();
        this.#tell({ type: "notice", ...text });
      },
      (error: unknown) => this.#ended.reject(error),
    );
  }

  #resize(): void {
    const { columns, rows } = sizeOf(this.#world);
    this.#screen = new Screen(columns, rows);
    this.#step({ type: "resize", columns, rows });
    this.#draw();
  }

  #soon(): void {
    if (this.#frame !== null) return;
    const wait = Math.max(0, this.#paintedAt + frameMs - Date.now());
    this.#frame = setTimeout(() => this.#guard(() => this.#draw()), wait);
  }

  #draw(): void {
    if (this.#frame !== null) clearTimeout(this.#frame);
    this.#frame = null;
    this.#paintedAt = Date.now();
    if (!this.#terminal.isTaken) return;
    const { theme } = this.#model;
    if (theme !== this.#painted) {
      this.#painted = theme;
      this.#paint = painter(theme, this.#depth);
      this.#screen.forget();
    }
    draw(this.#screen, this.#model);
    this.#terminal.write(this.#screen.flush(this.#paint));
  }
}

function sizeOf({ stdout }: CliWorld): { columns: number; rows: number } {
  const { columns = 80, rows = 24 } = stdout;
  return { columns: Math.max(columnsMin, columns), rows: Math.max(rowsMin, rows) };
}

/** OSC 52: the terminal that shows this puts it into its clipboard. */
function clipboard(text: string): string {
  const bytes = new TextEncoder().encode(oneLine(text));
  return `\u001b]52;c;${btoa(String.fromCharCode(...bytes))}\u0007`;
}
