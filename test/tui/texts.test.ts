import { expect, test } from "vitest";
import { exportText } from "../../src/tui/export.ts";
import { alertsOf } from "../../src/tui/header.ts";
import { paintedLines } from "../../src/tui/painted.ts";
import { matcher } from "../../src/tui/rows.ts";
import { colours } from "../../src/tui/style.ts";
import { palettes, rgbOf } from "../../src/tui/theme.ts";
import { complete, loop } from "../cli/fake-program.ts";
import { diskAlert, statusView } from "../cli/fake-status.ts";

test("an export is what its format says, and no cell of it is a formula", () => {
  const rows = [loop("1", { title: '=HYPERLINK("x"), or | not' }), loop("2", complete)];
  expect(JSON.parse(exportText("json", rows))).toHaveLength(2);
  expect(exportText("csv", rows).split("\r\n")[1]).toContain(`"'=HYPERLINK(""x""), or | not"`);
  expect(exportText("md", rows).split("\n")[2]).toContain("or \\| not");
});

test("all words of a filter must be there; a field is named before a colon", () => {
  const passes = (filter: string) =>
    matcher(filter)(loop("7.2", { title: "Fix Auth", ...complete }));
  expect(passes("auth fix")).toBe(true);
  expect(passes("auth status:failed")).toBe(false);
  expect(passes("status:complete type:ralph plan:7")).toBe(true);
});

test("what is the matter is told, and nothing when all is well", () => {
  expect(alertsOf(statusView, 0)).toEqual([]);
  expect(alertsOf({ ...statusView, alerts: [diskAlert] }, 2)).toEqual([
    "nothing new starts: only 1 GB is free",
    "! 2 loops need you",
  ]);
});

test("painted text becomes spans, and no escape is left in them", () => {
  expect(paintedLines("\u001b[31mred\u001b[39m plain\nnext")).toEqual([
    [
      { text: "red", style: colours.red },
      { text: " plain", style: 0 },
    ],
    [{ text: "next", style: 0 }],
  ]);
});

const contrastMin = 4.5;

test.each(["dark", "light"] as const)("every colour of the %s theme can be read", (name) => {
  const { hues, selectedBackground } = palettes[name];
  const ground = name === "dark" ? ([0, 0, 0] as const) : ([255, 255, 255] as const);
  for (const hue of hues) {
    if (hue === null) continue;
    expect(contrast(rgbOf(hue), ground), `${hue}`).toBeGreaterThanOrEqual(contrastMin);
    const onSelected = contrast(rgbOf(hue), rgbOf(selectedBackground));
    expect(onSelected, `${hue} selected`).toBeGreaterThanOrEqual(contrastMin);
  }
});

type Rgb = readonly [number, number, number];

function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance(rgb: Rgb): number {
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
