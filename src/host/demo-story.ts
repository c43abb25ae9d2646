/** The sample repository of `td demo`, and the script of the model that works on it. */

export const task = "make the time parser accept leap seconds (23:59:60)";

export const sampleFiles: Readonly<Record<string, string>> = {
  "package.json": `${JSON.stringify(
    { name: "clockwork", version: "1.0.0", type: "module", scripts: { test: "node --test" } },
    null,
    2,
  )}\n`,
  ".gitignore": "node_modules/\n",
  "src/parse-time.js": `/** Seconds since midnight of "HH:MM:SS". Throws on anything else. */
export function parseTime(text) {
  const [hours, minutes, seconds] = text.split(":").map(Number);
  if (!(hours < 24 && minutes < 60 && seconds < 60)) throw new RangeError(\`no time: \${text}\`);
  return hours * 3600 + minutes * 60 + seconds;
}
`,
  "test/parse-time.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "../src/parse-time.js";

test("reads a time of day", () => assert.equal(parseTime("01:02:03"), 3723));
test("reads a leap second", () => assert.equal(parseTime("23:59:60"), 86400));
test("refuses a 60th second anywhere else", () => {
  assert.throws(() => parseTime("12:00:60"), RangeError);
});
`,
};

const checkOld = "seconds < 60)) throw";
const checkHasty = "seconds <= 60)) throw";
const checkRight = "seconds < (hours === 23 && minutes === 59 ? 61 : 60))) throw";

const read = { name: "read", input: { path: "src/parse-time.js" } };
const edit = (from: string, to: string) => ({
  name: "edit",
  input: { path: "src/parse-time.js", old_string: from, new_string: to },
});
const runTests = { name: "bash", input: { command: "npm test" } };
const claim = (summary: string) => ({ name: "complete_task", input: { summary } });

/** Iteration 1 is hasty and says it is done; iteration 2 reads the failure and repairs it. */
export function scenario(speed: number) {
  const pace = { "latency-ms": Math.round(400 / speed), "tokens-per-second": 120 * speed };
  const cached = (fresh: number, cacheRead: number, output: number) => ({
    input_tokens: fresh,
    cache_read_input_tokens: cacheRead,
    cache_creation_input_tokens: fresh,
    output_tokens: output,
  });
  return {
    seed: 7,
    replies: [
      {
        match: "iteration 1 of",
        turn: 0,
        text: "I look at the parser first.",
        tools: [read],
        usage: cached(1_840, 0, 62),
        ...pace,
      },
      {
        match: "iteration 1 of",
        turn: 1,
        text: "Seconds may be 60.",
        tools: [edit(checkOld, checkHasty)],
        usage: cached(310, 1_840, 118),
        ...pace,
      },
      {
        match: "iteration 1 of",
        turn: 2,
        text: "That should do.",
        tools: [claim("Leap seconds are accepted.")],
        usage: cached(140, 2_150, 41),
        ...pace,
      },
      {
        match: "iteration 2 of",
        turn: 0,
        text: "A 60th second is now accepted at any time of day. Only 23:59 has one.",
        tools: [read],
        usage: cached(2_410, 0, 88),
        ...pace,
      },
      {
        match: "iteration 2 of",
        turn: 1,
        tools: [edit(checkHasty, checkRight), runTests],
        usage: cached(330, 2_410, 171),
        ...pace,
      },
      {
        match: "iteration 2 of",
        turn: 2,
        text: "All three tests pass.",
        tools: [claim("A leap second is accepted at 23:59 and nowhere else.")],
        usage: cached(260, 2_740, 47),
        ...pace,
      },
    ],
  };
}
