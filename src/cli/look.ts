/** How things look on a screen: colours where there may be any, one glyph and word a status. */
import type { LoopStatus } from "../core/loop.ts";
import type { Screen } from "./cli-world.ts";

export interface Look {
  readonly colour: boolean;
  /** Columns of the terminal; null when it is none, and nothing is cut. */
  readonly width: number | null;
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;
export type Colour = keyof typeof codes;

const widthFallback = 80;

export function lookOf(
  screen: Screen,
  env: Readonly<Record<string, string | undefined>>,
  wanted: boolean,
): Look {
  const isTerminal = screen.isTTY === true;
  const noColour = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return {
    colour: isTerminal && wanted && !noColour,
    width: isTerminal ? screen.columns || widthFallback : null,
  };
}

/** Paints the whole text; cut and pad it before, for colours have no width. */
export function paint(look: Pick<Look, "colour">, colour: Colour, text: string): string {
  if (!look.colour || text === "") return text;
  const [on, off] = codes[colour];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

const statusLooks: Readonly<Record<LoopStatus, readonly [glyph: string, colour: Colour]>> = {
  draft: ["○", "dim"],
  pending: ["◌", "blue"],
  running: ["●", "cyan"],
  paused: ["◐", "yellow"],
  blocked: ["◆", "magenta"],
  delegated: ["▽", "blue"],
  complete: ["✓", "green"],
  failed: ["✗", "red"],
  stopped: ["■", "dim"],
};

export const statuses = Object.keys(statusLooks) as readonly LoopStatus[];

/** Glyph and word: colour never says anything alone. */
export function statusText(status: string): string {
  return isStatus(status) ? `${statusLooks[status][0]} ${status}` : status;
}

export function statusColour(status: string): Colour {
  return isStatus(status) ? statusLooks[status][1] : "dim";
}

function isStatus(status: string): status is LoopStatus {
  return Object.hasOwn(statusLooks, status);
}
