import { marks, type Style } from "./style.ts";

export const themeNames = ["dark", "light", "plain"] as const;
export type ThemeName = (typeof themeNames)[number];

/** How many colours the terminal has; 0 for none. */
export type Depth = 0 | 16 | 256 | 24;

/** Indices of the 256-colour cube, in the order of `colours`; null is the terminal's own text. */
interface Palette {
  readonly hues: readonly (number | null)[];
  readonly selectedBackground: number;
  /** The same for terminals of 16 colours, as SGR codes. */
  readonly few: readonly (number | null)[];
}

export const palettes: Readonly<Record<Exclude<ThemeName, "plain">, Palette>> = {
  dark: {
    hues: [null, 203, 114, 221, 111, 176, 80, 247],
    selectedBackground: 235,
    few: [null, 91, 92, 93, 94, 95, 96, 37],
  },
  light: {
    hues: [null, 124, 22, 58, 25, 127, 23, 240],
    selectedBackground: 254,
    few: [null, 31, 32, 35, 34, 35, 34, 90],
  },
};

type Environment = Readonly<Record<string, string | undefined>>;

export function depthOf(env: Environment, wanted: boolean): Depth {
  const term = env["TERM"] ?? "";
  if (!wanted || (env["NO_COLOR"] ?? "") !== "" || term === "dumb") return 0;
  if (/^(truecolor|24bit)$/.test(env["COLORTERM"] ?? "")) return 24;
  return /256color|direct|kitty|ghostty/.test(term) ? 256 : 16;
}

/** What the terminal says of its background; dark where it says nothing. */
export function themeOf(env: Environment): ThemeName {
  const background = Number(/;(\d+)$/.exec(env["COLORFGBG"] ?? "")?.[1] ?? 0);
  return background === 7 || background >= 9 ? "light" : "dark";
}

/** Turns styles into what the terminal understands, each from nothing. */
export function painter(theme: ThemeName, depth: Depth): (style: Style) => string {
  const known = new Map<Style, string>();
  return (style) => {
    const found = known.get(style);
    if (found !== undefined) return found;
    const made = `\u001b[${["0", ...codesOf(style, theme, depth)].join(";")}m`;
    known.set(style, made);
    return made;
  };
}

const colourMask = 7;

function codesOf(style: Style, theme: ThemeName, depth: Depth): string[] {
  const isColoured = theme !== "plain" && depth !== 0;
  const isSelected = (style & marks.selected) !== 0;
  const codes: string[] = [];
  if ((style & marks.bold) !== 0) codes.push("1");
  if ((style & marks.underline) !== 0) codes.push("4");
  const isInverse = (style & marks.inverse) !== 0 || (isSelected && (!isColoured || depth === 16));
  if (isInverse) codes.push("7");
  if (!isColoured) return codes;
  const { hues, few, selectedBackground } = palettes[theme];
  const colour = style & colourMask;
  if (depth === 16) {
    // Coloured text turned around is unreadable on many palettes.
    const code = isInverse ? null : few[colour];
    return typeof code === "number" ? [...codes, String(code)] : codes;
  }
  const hue = hues[colour];
  if (typeof hue === "number") codes.push(`38;${indexed(hue, depth)}`);
  if (isSelected) codes.push(`48;${indexed(selectedBackground, depth)}`);
  return codes;
}

function indexed(index: number, depth: Depth): string {
  return depth === 24 ? `2;${rgbOf(index).join(";")}` : `5;${index}`;
}

const levels = [0, 95, 135, 175, 215, 255] as const;

/** The colour that a terminal shows for an index of the cube or the grey ramp. */
export function rgbOf(index: number): readonly [number, number, number] {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return [grey, grey, grey];
  }
  const cube = index - 16;
  const level = (value: number) => levels[value % 6] ?? 0;
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6)), level(cube)];
}
