import { Buffer } from "node:buffer";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { JournalEntry } from "../../src/mock-llm/journal.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { Policy } from "../../src/mock-llm/script.ts";
import { type Desk, loopOf, makeDesk, runJson, sumFiles, type Told, td } from "./program.ts";
import {
  bash,
  done,
  edit,
  fileAt,
  loopTimeoutMs,
  read,
  removePlaces,
  scripted,
  type ToolCall,
} from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

/** Without the shape of any known key, so that only its value can give it away. */
const key = "qZ8vT1.unlikely+words/0123456789~abcdef";
/** Of a known shape, and nobody told us of them. */
const decoys = [
  "sk-ant-api03-aaaaBBBBccccDDDDeeee1111",
  "ghp_0123456789abcdefghijABCDEFGHIJ012345",
];

const keyEnvironment = (modelUrl: string): Readonly<Record<string, string>> => ({
  ANTHROPIC_API_KEY: key,
  OPENAI_API_KEY: key,
  OPENAI_BASE_URL: `${modelUrl}/v1`,
});

const fix = edit("sum.js", "a - b", "a + b");
const grep = (pattern: string): ToolCall => ({ name: "grep", input: { pattern } });
const everyEnvironment = bash(
  "env; set; cat /proc/self/environ /proc/1/environ /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; env > env-of-bash.txt; true",
);

interface Life {
  readonly told: Told;
  readonly journal: readonly JournalEntry[];
  readonly desk: Desk;
}

async function live(
  policy: Policy,
  {
    args = [],
    config,
    files = {},
  }: {
    args?: readonly string[];
    config?: string;
    files?: Readonly<Record<string, string>>;
  } = {},
): Promise<Life> {
  const mock = await startMockLlm({ policy });
  try {
    const desk = await makeDesk({
      modelUrl: mock.url,
      env: keyEnvironment(mock.url),
      files: { ...sumFiles, ...files },
      ...(config === undefined ? {} : { config }),
    });
    const told = await td(desk, [...runJson, ...args]);
    await td(desk, ["stop"]);
    return { told, journal: mock.journal(), desk };
  } finally {
    await mock.close();
  }
}

const printsAll = "env; cat /proc/*/environ | tr '\\0' '\\n'; npm test";

test.concurrent.each(["anthropic/some-model", "openai/some-model"])(
  "the key of %s reaches no file, no prompt and no command",
  async (model) => {
    const { told, journal, desk } = await live(
      scripted(
        [[read("sum.js")], [everyEnvironment], [`My key is ${key}.`, bash(`echo ${key}`)], [done]],
        [[read("sum.js")], [fix, everyEnvironment], [done]],
      ),
      {
        args: ["--model", model, "--validate", printsAll],
        config: "hooks: { before-iteration: 'env >&2; env; exit 1' }\n",
      },
    );
    expect(loopOf(told)).toMatchObject({ status: "complete", reason: null, iteration: 2 });
    const seen = JSON.stringify(journal.map(({ body }) => body));
    expect(seen).toContain("TASKDAEMON_SANDBOX=1");
    expect(leaksIn(Buffer.from(saidByOthers(seen)))).toEqual([]);
    await expectNoLeak(desk, told);
    const environment = await fileAt(desk.repo, "taskdaemon/1", "env-of-bash.txt");
    expect(environment).toContain("HOME=");
    expect(leaksIn(Buffer.from(environment))).toEqual([]);
  },
);

/** Its own words are sent back to the model as it said them: providers demand that. */
function saidByOthers(seen: string): string {
  return seen.replaceAll(`My key is ${key}.`, "").replaceAll(`echo ${key}`, "");
}

test.concurrent("keys that lie in the repository are shown to nobody", async () => {
  const text = [...decoys.map((decoy, n) => `SECRET_${n}=${decoy}`), `OWN=${key}`].join("\n");
  const looks = [
    read(".env"),
    grep("SECRET|OWN"),
    bash(
      "cat .env; printf %s \"$(sed -n 's/OWN=//p' .env)\" | base64 -w0; git show HEAD:.env; cat .env >&2",
    ),
  ];
  const { told, journal, desk } = await live(
    scripted([looks, [read("sum.js")], [done]], [looks, [read("sum.js")], [fix], [done]]),
    {
      files: { ".env": `${text}\n` },
      args: ["--validate", "cat .env; base64 -w0 .env; cat .env >&2; npm test"],
    },
  );
  expect(loopOf(told)).toMatchObject({ status: "complete", reason: null, iteration: 2 });
  const seen = Buffer.from(JSON.stringify(journal.map(({ body }) => body)));
  expect(seen.includes("[redacted]")).toBe(true);
  expect(leaksIn(seen, [key, ...decoys])).toEqual([]);
  await expectNoLeak(desk, told, { secrets: [key, ...decoys], but: ["worktrees", "trash"] });
});

test.concurrent.each(["anthropic/some-model", "openai/some-model"])(
  "a provider of %s that repeats the key is not quoted",
  async (model) => {
    const message = `Incorrect API key provided: ${key} (see https://example.org/?key=${encodeURIComponent(key)})`;
    const { told, desk } = await live(() => ({ fault: { status: 401, message } }), {
      args: ["--model", model],
    });
    expect(told.code).toBe(5);
    expect(loopOf(told)).toMatchObject({ blockedOn: "key" });
    await expectNoLeak(desk, told);
  },
);

// ── looking for it ───────────────────────────────────────────────────────────────────────────

interface Search {
  readonly secrets?: readonly string[];
  /** Entries of the home that hold the repository's own files. */
  readonly but?: readonly string[];
}

async function expectNoLeak(desk: Desk, told: Told, search: Search = {}): Promise<void> {
  const { secrets = [key], but = [] } = search;
  const names = (await readdir(desk.home)).filter((name) => !but.includes(name));
  expect(names).toContain("store");
  for (const name of names) {
    expect(await leaksBelow(join(desk.home, name), secrets)).toEqual([]);
  }
  for (const args of [["show"], ["why"], ["logs"], ["replay"], ["--json", "logs"]]) {
    const { stdout, stderr } = await td(desk, [...args, "1"]);
    expect(leaksIn(Buffer.from(stdout + stderr), secrets)).toEqual([]);
  }
  expect(leaksIn(Buffer.from(told.stdout + told.stderr), secrets)).toEqual([]);
}

/** Files whose bytes or name hold a secret; links are not followed. */
async function leaksBelow(path: string, secrets: readonly string[]): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOTDIR") return null;
      throw error;
    },
  );
  const files =
    entries === null
      ? [path]
      : entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  const leaks: string[] = [];
  for (const file of files) {
    const bytes = Buffer.concat([await readFile(file), Buffer.from(file)]);
    leaks.push(...leaksIn(bytes, secrets).map((form) => `${file}: ${form}`));
  }
  return leaks;
}

function leaksIn(bytes: Buffer, secrets: readonly string[] = [key]): readonly string[] {
  return secrets.flatMap(formsOf).filter((form) => bytes.includes(form));
}

/** As it is, in a URL, and in base64 wherever it begins in a longer text. */
function formsOf(secret: string): readonly string[] {
  const base64 = ["", "x", "xx"].map((before) => {
    const encoded = Buffer.from(before + secret)
      .toString("base64")
      .replace(/=+$/, "");
    return encoded.slice(Math.ceil((before.length * 8) / 6), -1);
  });
  const urlSafe = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const isKnown = secret === key;
  return [secret, ...(isKnown ? [encodeURIComponent(secret), ...base64, ...urlSafe] : [])];
}
