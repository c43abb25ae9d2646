// What the screenshots show: a repository, a scripted model, and loops in every state.
import { demoModel } from "../../src/host/demo-model.ts";
import { request as planRequest, sampleFiles } from "../../src/host/demo-story.ts";

export const files = sampleFiles;

/** Of the daemon, in its home: limits that the screens can show. */
export const config = `version: 1
budget:
  day-usd: 25
  plan-usd: 10
llm:
  providers:
    anthropic: { concurrency: 8, requests-per-minute: 200 }
`;
/** Once those are at work that shall be: the next ralph has to wait for a slot. */
export const fullConfig = `${config}concurrency:
  per-type: { ralph: 3 }
`;

/** The tasks, by the state in which the pictures find them. */
export const tasks = {
  complete: "Round half a second up",
  compared: "Pad single digits",
  failed: "Know the length of a month",
  question: "Say which calendar holds before 1582",
  gate: "Make the tests faster",
  budget: "Translate every message into twelve languages",
  running: "Describe every function 📚",
  chinese: "修复时区解析，并补上测试",
  limited: "Write the release notes",
  paused: "Move the docs into the wiki",
  stopped: "Try another parser",
  slots: "Check the table of leap seconds",
};
export const plan = { request: planRequest, title: "Leap seconds and durations" };
export const draft = {
  request: "a handbook: one page for each function, with examples that are run",
  title: "A handbook whose examples are run",
};
/** The model of the loop whose provider asks for a long pause. */
export const limitedModel = "anthropic/claude-haiku-4-5";

/**
 * Keeps to the story: who is to be seen at work streams slowly, all others are quick.
 * `streaming` has the titles of those for whom that has begun.
 */
export function storyModel() {
  const ofDemo = demoModel(20);
  const streaming = new Set();
  const policy = (request) => {
    const { text, model } = request;
    if (model.includes("haiku")) return { fault: { status: 429, "retry-after": 1800 } };
    const title = /```title\n(.*)\n/.exec(text)?.[1] ?? "";
    if (title === "") return paced({ text: chatAnswer });
    if (text.includes("/specs/NN") && text.includes("handbook")) return paced(handbook(request));
    // A phase has the title of its ralph, and documents are the demo's.
    const part = text.includes("/ralphs/NN") ? undefined : parts[title];
    const reply = part?.(request) ?? ofDemo(request);
    if (reply === atLength) streaming.add(title);
    return paced(reply);
  };
  return { policy, streaming };
}

function paced(reply) {
  const usage = {
    input_tokens: 2_400,
    cache_read_input_tokens: 38_000,
    cache_creation_input_tokens: 6_200,
    output_tokens: 2_900,
  };
  return { "latency-ms": 20, "tokens-per-second": 4_000, usage, ...reply };
}

const read = (path) => ({ name: "read", input: { path } });
const write = (path, content) => ({ name: "write", input: { path, content } });
const edit = (path, from, to) => ({
  name: "edit",
  input: { path, old_string: from, new_string: to },
});
const done = (summary) => ({
  text: summary,
  tools: [{ name: "complete_task", input: { summary } }],
});
/** Turn by turn; the last one again and again. */
const turns =
  (...replies) =>
  ({ turn }) =>
    replies[Math.min(turn, replies.length - 1)];

const testOf = (name, file, lines) =>
  [
    'import assert from "node:assert/strict";',
    'import { test } from "node:test";',
    `import { ${name} } from "../src/${file}.js";`,
    "",
    ...lines,
    "",
  ].join("\n");

const rounding = "  const total = Math.floor(exact + 0.5);\n";
const roundingTest = testOf("formatTime", "format-time", [
  'test("rounds half a second up", () => assert.equal(formatTime(1.5), "00:00:02"));',
]);
const paddingTest = testOf("formatTime", "format-time", [
  'test("pads what is single", () => assert.equal(formatTime(61), "00:01:01"));',
]);
const monthTest = testOf("daysOf", "month", [
  'test("February is short", () => assert.equal(daysOf(2), 28));',
]);

/** Streams for as long as the pictures take. */
const atLength = {
  text: Array.from(
    { length: 60 },
    (_, index) =>
      `${index + 1}. I compare what the function promises with what its callers rely on, ` +
      "and write down where the two differ before I change a line.\n",
  ).join(""),
  "tokens-per-second": 4,
};

const parts = {
  [tasks.complete]: turns(
    { text: "I look first.", tools: [read("src/format-time.js"), read("CHANGELOG.md")] },
    {
      text: "Half a second is rounded up, and a test says so.",
      tools: [
        edit("src/format-time.js", "formatTime(total) {\n", `formatTime(exact) {\n${rounding}`),
        write("test/rounding.test.js", roundingTest),
        edit("CHANGELOG.md", "## Next\n\n", "## Next\n\n- Half a second is rounded up.\n"),
      ],
    },
    done("formatTime rounds, and its test shows it."),
  ),
  [tasks.compared]: turns(
    { text: "I look first.", tools: [read("src/format-time.js")] },
    { tools: [write("test/padding.test.js", paddingTest)] },
    done("It is padded already; a test keeps it so."),
  ),
  [tasks.failed]: turns(
    { text: "A month has thirty days.", tools: [read("src/parse-time.js")] },
    {
      tools: [
        write("src/month.js", "export const daysOf = () => 30;\n"),
        write("test/month.test.js", monthTest),
      ],
    },
    done("Every month has its length."),
  ),
  [tasks.question]: turns(
    { text: "The task leaves one thing open.", tools: [read("src/parse-time.js")] },
    {
      tools: [
        {
          name: "ask_person",
          input: {
            question:
              "Dates before 15 October 1582: shall they be read in the Julian calendar, as historians do, or in the proleptic Gregorian one, as ISO 8601 does?",
          },
        },
      ],
    },
  ),
  [tasks.gate]: turns(
    { text: "Fewer tests are faster.", tools: [read("package.json")] },
    { tools: [edit("package.json", "node --test", "node --test test/parse-time.test.js")] },
    done("The tests take half the time."),
  ),
  [tasks.budget]: turns(
    { text: "I begin with the first language.", tools: [read("src/parse-time.js")] },
    { text: "I go on.", tools: [read("src/format-time.js")] },
  ),
  [tasks.running]: turns({ text: "I read it all.", tools: [read("src/parse-time.js")] }, atLength),
  "Read durations": turns({ text: "I look first.", tools: [read("CHANGELOG.md")] }, atLength),
  "Write durations": turns({ text: "I look first.", tools: [read("CHANGELOG.md")] }, atLength),
};

const handbookFiles = {
  "plan.md": [
    "# What is there",
    "",
    "Two functions, `parseTime` and `formatTime`, and no page that explains either.",
    "",
    "# What comes of it",
    "",
    "- `docs/` has a page for each exported function.",
    "- Each example on a page is run by `npm test`, so that none can rot.",
    "- A page without an example does not pass.",
  ],
  "specs/01-runner.md": ["Examples are taken out of the pages and run as tests."],
  "specs/02-pages.md": ["A page for each function, from its own comment."],
  "specs/03-index.md": ["An index of all pages, made and not written."],
};
const fronts = {
  "plan.md": [`title: ${draft.title}`],
  "specs/01-runner.md": ["title: Run the examples", 'touches: ["test/**"]'],
  "specs/02-pages.md": ["title: Write the pages", "depends-on: [01-runner]"],
  "specs/03-index.md": ["title: Make the index", "depends-on: [02-pages]"],
};

function handbook({ text, turn }) {
  if (turn > 0) return done("The plan stands.");
  if (!text.includes("pass 1 of")) return { tools: [read(".td-out/plan.md")] };
  const tools = Object.entries(handbookFiles).map(([path, lines]) =>
    write(`.td-out/${path}`, ["---", ...fronts[path], "---", ...lines, ""].join("\n")),
  );
  return { text: "I write it down.", tools };
}

const chatAnswer = `\`parseTime\` takes a time of day as \`HH:MM:SS\`:

- hours from 0 to 23,
- minutes and seconds from 0 to 59.

Anything else is a \`RangeError\`. A leap second, \`23:59:60\`, is refused today.`;
