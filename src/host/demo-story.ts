/** The sample repository of `td demo`, and what the scripted model writes in it. */

export const request = "support leap seconds, and durations like 1h30m";

export const sampleFiles: Readonly<Record<string, string>> = {
  "package.json": `${JSON.stringify(
    { name: "clockwork", version: "1.0.0", type: "module", scripts: { test: "node --test" } },
    null,
    2,
  )}\n`,
  ".gitignore": "node_modules/\n",
  "CHANGELOG.md": "# Changes\n\n## Next\n\n",
  "src/parse-time.js": `/** Seconds since midnight of "HH:MM:SS". Throws on anything else. */
export function parseTime(text) {
  const [hours, minutes, seconds] = text.split(":").map(Number);
  if (!(hours < 24 && minutes < 60 && seconds < 60)) throw new RangeError(\`no time: \${text}\`);
  return hours * 3600 + minutes * 60 + seconds;
}
`,
  "src/format-time.js": `const two = (number) => String(number).padStart(2, "0");

/** "HH:MM:SS" of seconds since midnight. */
export function formatTime(total) {
  return [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60].map(two).join(":");
}
`,
  "test/parse-time.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "../src/parse-time.js";

test("reads a time of day", () => assert.equal(parseTime("01:02:03"), 3723));
test("refuses what is none", () => assert.throws(() => parseTime("25:00:00"), RangeError));
`,
  "test/format-time.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTime } from "../src/format-time.js";

test("writes a time of day", () => assert.equal(formatTime(3723), "01:02:03"));
`,
};

const document = (front: readonly string[], body: string) =>
  ["---", ...front, "---", body, ""].join("\n");

/** What the plan loop writes in its first pass. */
export const planDocuments: Readonly<Record<string, string>> = {
  "plan.md": document(
    ["title: Leap seconds and durations"],
    "23:59:60 is read and written; then durations like 1h30m. Leap seconds come first.",
  ),
  "specs/01-leap-seconds.md": document(
    ["title: Leap seconds", 'acceptance: ["23:59:60 is a time, 12:00:60 is none"]'],
    "parseTime and formatTime know the leap second at 23:59 and nowhere else.",
  ),
  "specs/02-durations.md": document(
    ["title: Durations", "depends-on: [01-leap-seconds]"],
    "parseDuration and formatDuration, in a file of their own each, and an index of all four.",
  ),
};

/** By the title of a spec. */
export const phaseDocuments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Leap seconds": {
    "phases/01-read.md": document(["title: Read 23:59:60"], "parseTime accepts it at 23:59 only."),
    "phases/02-write.md": document(["title: Write 23:59:60"], "formatTime(86400) is 23:59:60."),
  },
  Durations: {
    "phases/01-read.md": document(["title: Read durations"], "parseDuration('1h30m') is 5400."),
    "phases/02-write.md": document(["title: Write durations"], "formatDuration(5400) is 1h30m."),
    "phases/03-index.md": document(
      ["title: One index", "depends-on: [01-read, 02-write]"],
      "src/index.js exports all four.",
    ),
  },
};

/** What a ralph writes in one iteration. */
export type Change =
  | { readonly path: string; readonly content: string }
  | { readonly path: string; readonly from: string; readonly to: string };

const testOf = (file: string, name: string, lines: readonly string[]) =>
  [
    'import assert from "node:assert/strict";',
    'import { test } from "node:test";',
    `import { ${name} } from "../src/${file}.js";`,
    "",
    ...lines,
    "",
  ].join("\n");

const noted = (line: string): Change => ({
  path: "CHANGELOG.md",
  from: "## Next\n\n",
  to: `## Next\n\n- ${line}\n`,
});

const checkOld = "seconds < 60)) throw";
const checkHasty = "seconds <= 60)) throw";
const checkRight = "seconds < (hours === 23 && minutes === 59 ? 61 : 60))) throw";
const parser = "src/parse-time.js";

/** By the title of a phase: what each iteration of its ralph does. The first of all is hasty. */
export const work: Readonly<Record<string, readonly (readonly Change[])[]>> = {
  "Read 23:59:60": [
    [
      { path: parser, from: checkOld, to: checkHasty },
      {
        path: "test/leap-second.test.js",
        content: testOf("parse-time", "parseTime", [
          'test("reads a leap second", () => assert.equal(parseTime("23:59:60"), 86400));',
          'test("refuses one elsewhere", () => assert.throws(() => parseTime("12:00:60"), RangeError));',
        ]),
      },
      noted("Leap seconds are read."),
    ],
    [{ path: parser, from: checkHasty, to: checkRight }],
  ],
  "Write 23:59:60": [
    [
      {
        path: "src/format-time.js",
        from: "export function formatTime(total) {\n",
        to: 'export function formatTime(total) {\n  if (total === 86400) return "23:59:60";\n',
      },
      {
        path: "test/format-leap-second.test.js",
        content: testOf("format-time", "formatTime", [
          'test("writes a leap second", () => assert.equal(formatTime(86400), "23:59:60"));',
        ]),
      },
      noted("Leap seconds are written."),
    ],
  ],
  "Read durations": [
    [
      {
        path: "src/parse-duration.js",
        content: `/** Seconds of a duration like "1h30m". Throws on anything else. */
export function parseDuration(text) {
  const found = /^(?:(\\d+)h)?(?:(\\d+)m)?(?:(\\d+)s)?$/.exec(text);
  if (text === "" || found === null) throw new RangeError(\`no duration: \${text}\`);
  const [hours = 0, minutes = 0, seconds = 0] = found.slice(1).map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + seconds;
}
`,
      },
      {
        path: "test/parse-duration.test.js",
        content: testOf("parse-duration", "parseDuration", [
          'test("reads a duration", () => assert.equal(parseDuration("1h30m"), 5400));',
          'test("refuses what is none", () => assert.throws(() => parseDuration("soon"), RangeError));',
        ]),
      },
    ],
  ],
  "Write durations": [
    [
      {
        path: "src/format-duration.js",
        content: `/** A duration like "1h30m" of seconds. */
export function formatDuration(total) {
  const parts = [[Math.floor(total / 3600), "h"], [Math.floor(total / 60) % 60, "m"], [total % 60, "s"]];
  return parts.map(([count, unit]) => (count > 0 ? \`\${count}\${unit}\` : "")).join("") || "0s";
}
`,
      },
      {
        path: "test/format-duration.test.js",
        content: testOf("format-duration", "formatDuration", [
          'test("writes a duration", () => assert.equal(formatDuration(5400), "1h30m"));',
          'test("writes none", () => assert.equal(formatDuration(0), "0s"));',
        ]),
      },
    ],
  ],
  "One index": [
    [
      {
        path: "src/index.js",
        content: ["parse-time", "format-time", "parse-duration", "format-duration"]
          .map((name) => `export * from "./${name}.js";\n`)
          .join(""),
      },
      {
        path: "test/index.test.js",
        content: testOf("index", "parseDuration, parseTime", [
          'test("all is in one place", () => assert.equal(parseDuration("1m"), parseTime("00:01:00")));',
        ]),
      },
    ],
  ],
};

/** How the model settles a conflict in the list of changes: both lines stay. */
export const settledChanges =
  "# Changes\n\n## Next\n\n- Leap seconds are read.\n- Leap seconds are written.\n";
