/** How a cell looks, as one number: a colour of the theme in the low bits, marks above them. */
export type Style = number;

export const colours = {
  text: 0,
  red: 1,
  green: 2,
  yellow: 3,
  blue: 4,
  magenta: 5,
  cyan: 6,
  dim: 7,
} as const;
export type ColourName = keyof typeof colours;

export const marks = { bold: 8, selected: 16, underline: 32, inverse: 64 } as const;

/** A style by name, as the command line's painting names it. */
export function styleOf(name: ColourName | "bold"): Style {
  return name === "bold" ? marks.bold : colours[name];
}

/** A piece of text in one style; a line is several. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

export function plainLine(text: string, style: Style = colours.text): Line {
  return [{ text, style }];
}
