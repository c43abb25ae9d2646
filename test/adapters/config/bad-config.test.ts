import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { load } from "./bench.ts";

const duration = "written like 90s, 5m, 2h or 7d";

test.each([
  [
    "iteration:\n  max-turn: 5",
    '2:3: unknown key "max-turn" under iteration — did you mean "max-turns"?',
  ],
  [
    "iteration:\n  maxTurns: 5",
    '2:3: unknown key "maxTurns" under iteration — did you mean "max-turns"?',
  ],
  ["max-turns: 5", '1:1: unknown key "max-turns" — did you mean "iteration.max-turns"?'],
  ["iterations:\n  max: 5", '1:1: unknown key "iterations" — did you mean "iteration"?'],
  ["color: red", '1:1: unknown key "color"'],
  [
    "iteration:\n  max: many",
    '2:8: iteration.max: expected a whole number from 1 to 100000, not "many"',
  ],
  ["iteration:\n  max: 0", "2:8: iteration.max: expected a whole number from 1 to 100000, not 0"],
  [
    "iteration:\n  max: 1.5",
    "2:8: iteration.max: expected a whole number from 1 to 100000, not 1.5",
  ],
  [
    "iteration:\n  max: .inf",
    "2:8: iteration.max: expected a whole number from 1 to 100000, not Infinity",
  ],
  ["iteration:\n  max:", "2:7: iteration.max: expected a whole number from 1 to 100000, not null"],
  [
    "iteration:\n  timeout: 90",
    `2:12: iteration.timeout: expected a duration from 1s to 20d, ${duration}, not 90`,
  ],
  [
    "iteration:\n  timeout: 5 minutes",
    `2:12: iteration.timeout: expected a duration from 1s to 20d, ${duration}, not "5 minutes"`,
  ],
  [
    "iteration:\n  timeout: 30d",
    `2:12: iteration.timeout: expected a duration from 1s to 20d, ${duration}, not "30d"`,
  ],
  [
    "iteration:\n  timeout: -5m",
    `2:12: iteration.timeout: expected a duration from 1s to 20d, ${duration}, not "-5m"`,
  ],
  [
    "sandbox:\n  memory: 4 gigs",
    '2:11: sandbox.memory: expected a size from 16MB to 100TB, written like 512MB, 4GB or 1GiB, not "4 gigs"',
  ],
  [
    "sandbox:\n  level: require",
    '2:10: sandbox.level: expected one of required, off, not "require" — did you mean "required"?',
  ],
  ["sandbox:\n  uid: 0", "2:8: sandbox.uid: expected a whole number from 1 to 4294967293, not 0"],
  [
    "sandbox:\n  network:\n    allow: [https://a.b]",
    '3:13: sandbox.network.allow.0: expected a host name such as registry.npmjs.org or *.example.org, not "https://a.b"',
  ],
  [
    "sandbox:\n  network:\n    allow: a.b",
    '3:12: sandbox.network.allow: expected a list of host names, not "a.b"',
  ],
  [
    "budget:\n  day-usd: -1",
    "2:12: budget.day-usd: expected dollars, a number greater than 0, not -1",
  ],
  [
    "budget:\n  day-usd: $5",
    '2:12: budget.day-usd: expected dollars, a number greater than 0, not "$5"',
  ],
  [
    'validation:\n  command: ""',
    "2:12: validation.command: the command is empty; write one, or leave the key out",
  ],
  [
    'validation:\n  command: "  "',
    "2:12: validation.command: the command is empty; write one, or leave the key out",
  ],
  [
    "validation:\n  command: [npm, test]",
    '2:12: validation.command: expected auto or a shell command, not ["npm","test"]',
  ],
  [
    "validation:\n  success-exit-code: 256",
    "2:22: validation.success-exit-code: expected a whole number from 0 to 255, not 256",
  ],
  [
    "worktree:\n  copy: [../secrets]",
    '2:10: worktree.copy.0: expected a path inside the repository, without a leading / and without .., not "../secrets"',
  ],
  [
    "worktree:\n  link: /usr/lib",
    '2:9: worktree.link: expected auto, or a list of paths in the repository, not "/usr/lib"',
  ],
  [
    "git:\n  deliver: master",
    '2:12: git.deliver: expected one of branch, merge, pr, none, not "master"',
  ],
  ['git:\n  target: "-f"', '2:11: git.target: expected a branch name, not "-f"'],
  [
    "llm:\n  default: claude",
    '2:12: llm.default: expected provider/model, for example anthropic/claude-sonnet-5-5, not "claude"',
  ],
  [
    "llm:\n  providers:\n    My Own: {}",
    '3:5: llm.providers.My Own: expected a name of lower-case letters, digits and -, not "My Own"',
  ],
  [
    "llm:\n  providers:\n    a: { api-key: x }",
    '3:10: unknown key "api-key" under llm.providers.a — did you mean "api-key-env"?',
  ],
  ["llm:\n  prices:\n    a/b: { input: 1 }", '3:5: "output" is missing under llm.prices.a/b'],
  [
    "llm:\n  providers:\n    a:\n      base-url: example.org",
    '4:17: llm.providers.a.base-url: expected an http or https address, not "example.org"',
  ],
  ["hooks:\n  on-complete: true", "2:16: hooks.on-complete: expected a shell command, not true"],
  ["hooks: [a]", '1:8: hooks: expected keys below it, not ["a"]'],
  ["iteration: 5", "1:12: iteration: expected keys below it, not 5"],
  ["just text", "1:1: expected keys such as `validation:` at the top level"],
  ["- a\n- b", "1:1: expected keys such as `validation:` at the top level"],
  ["iteration:\n  max: 1\n  max: 2", "3:3: this key is here twice"],
  ["iteration:\n\tmax: 1", "2:1: a tab cannot indent YAML; use spaces"],
  [
    "iteration: {max: 1",
    "1:19: not valid YAML: Flow map in block collection must be sufficiently indented and end with a }",
  ],
  ["iteration:\n  max: 1\n---\n{}", "3:1: only one YAML document may be in a file"],
  [
    `iteration: { max: \${MAX} }`,
    `1:20: not valid YAML: Unexpected flow-map-start at node end — put quotes around \${…} inside { } and [ ]`,
  ],
  ["iteration: *there", "1:12: there is no anchor &there"],
  ["queue: !!js/function x", "1:8: unresolved tag: tag:yaml.org,2002:js/function is not allowed"],
  ["? [a, b]\n: c", "1:3: a key must be a plain word"],
  ["__proto__:\n  max: 1", "1:1: a key must be a plain word"],
  [
    `validation:\n  command: \${NOPE}`,
    `2:12: the environment variable NOPE is not set — set it, or write \${NOPE:-default}`,
  ],
  [
    `validation:\n  command: echo \${a%b}`,
    `2:12: "\${a%b}" is neither \${NAME} nor \${NAME:-default} — write $\${ for a literal \${`,
  ],
  [
    `validation:\n  command: echo \${a`,
    `2:12: "\${a" is neither \${NAME} nor \${NAME:-default} — write $\${ for a literal \${`,
  ],
])("%j is refused with its place", (text, message) => {
  expect(load({ user: text })).toBe(`user.yml:${message}`);
});

test("a byte order mark and CRLF move no place", () => {
  const text = "\uFEFFiteration:\r\n  max: 5\r\n  timeot: 5m\r\n";
  expect(load({ user: text })).toBe(
    'user.yml:3:3: unknown key "timeot" under iteration — did you mean "timeout"?',
  );
});

test("every problem of every file is told at once, in order", () => {
  const user = "queue: { max: 0 }\nbudget: { day: 1 }";
  expect(load({ user, project: "x: 1", env: { TASKDAEMON_QUEUE_POLL: "1y" } })).toBe(
    [
      "user.yml:1:15: queue.max: expected a whole number from 1 to 1000000, not 0",
      'user.yml:2:11: unknown key "day" under budget — did you mean "day-usd"?',
      `$TASKDAEMON_QUEUE_POLL: queue.poll: expected a duration from 1s to 1h, ${duration}, not "1y"`,
      'taskdaemon.yml:1:1: unknown key "x"',
    ].join("\n"),
  );
});

test("a bomb of aliases is refused, not followed", () => {
  const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
  for (let level = 1; level < 12; level += 1) {
    const alias = `*a${level - 1}`;
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => alias).join(",")}]`);
  }
  expect(load({ user: lines.join("\n") })).toContain("more than 20000 values");
});

test("an anchor that holds itself is refused", () => {
  expect(load({ user: "queue: &a\n  max: *a" })).toContain("nested deeper than 20 levels");
});

test.each(["[".repeat(999_000), "{a: ".repeat(200_000), "- ".repeat(499_000)])(
  "deep nesting is refused at once: %.5s",
  (text) => {
    expect(load({ user: text })).toContain("nested deeper than 20 levels");
  },
);

test("a huge flat file is refused without comparing every key with every other", () => {
  const keys = Array.from({ length: 60_000 }, (_, index) => `key${index}: 1`);
  expect(load({ user: keys.join("\n") })).toContain("more than 20000 values");
});

test.each([
  [Buffer.from([0x61, 0x3a, 0x20, 0xff]), "taskdaemon.yml: this file is not UTF-8 text"],
  [Buffer.alloc(1_000_001, "#"), "taskdaemon.yml: this file is larger than 1 MB"],
])("a file that is no small text is refused", (project, message) => {
  expect(load({ project })).toBe(message);
});

test("a secret in the wrong place is not repeated", () => {
  const user = "llm:\n  providers:\n    a: { api-key-env: sk-ant-api03-secret }";
  expect(load({ user })).not.toContain("secret");
});

test("a value shown is the one that was written, not the one put in its place", () => {
  const message = load({ user: `iteration:\n  timeout: \${HIDDEN}`, env: { HIDDEN: "hush" } });
  expect(message).toContain(`not "\${HIDDEN}"`);
  expect(message).not.toContain("hush");
});
