/** Real projects, fetched by their package manager, broken in one line, and judged by their own tests. */
import { execFile, execFileSync } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  bash,
  commitAll,
  done,
  edit,
  type Files,
  fileAt,
  type LoopRun,
  makePlace,
  read,
  removePlaces,
  runLoop,
  sampleRepository,
  scripted,
} from "./support.ts";

vi.setConfig({ testTimeout: 400_000 });
afterEach(removePlaces);

const run = promisify(execFile);
const fetchTimeoutMs = 240_000;

/** What the user's own package manager does, with the user's own settings. */
async function fetching(what: string, cwd: string, script: string): Promise<void> {
  try {
    await run("bash", ["-ec", script], { cwd, timeout: fetchTimeoutMs });
  } catch (cause) {
    throw new Error(`cannot fetch ${what}: this test needs its registry (${script})`, { cause });
  }
}

interface Damage {
  readonly path: string;
  readonly right: string;
  readonly broken: string;
  /** What the model tries first. */
  readonly wrong: string;
}

async function breakIt(repo: string, { path, right, broken }: Damage): Promise<void> {
  const text = await readFile(join(repo, path), "utf8");
  expect(text.split(right)).toHaveLength(2);
  await writeFile(join(repo, path), text.replace(right, broken));
}

/** The model errs once, then repairs it; it also tries to reach the network. */
function repairer({ path, right, broken, wrong }: Damage) {
  const reach =
    'node -e \'fetch("https://registry.npmjs.org").then(() => console.log("REACHED"), () => console.log("NO NETWORK"))\'';
  return scripted(
    [[read(path)], [edit(path, broken, wrong), bash(reach)], [done]],
    [[read(path)], [edit(path, wrong, right)], [done]],
  );
}

async function expectRepaired(loop: LoopRun, { path, right }: Damage, original: string) {
  const { view, branches, records, checkout, repo } = loop;
  expect(view).toMatchObject({
    status: "complete",
    reason: null,
    iteration: 2,
    baseline: { passed: false },
    verdict: { passed: true, exitCode: 0 },
  });
  expect(branches).toEqual([view.branch]);
  const delivered = await fileAt(repo, String(view.branch), path);
  expect(delivered).toContain(right);
  expect(delivered).toBe(original);
  expect(checkout.after).toEqual(checkout.before);
  const first = records.get(1)?.entries ?? [];
  const results = first.flatMap((entry) => (entry.type === "toolResult" ? [entry.text] : []));
  expect(results.join("\n")).toContain("NO NETWORK");
}

interface NpmProject {
  readonly name: string;
  readonly version: string;
  readonly tools: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly validate: string | null;
  readonly runner: string;
  readonly testsMin: number;
  readonly damage: Damage;
}

const npmProjects: readonly NpmProject[] = [
  {
    name: "minimist",
    version: "1.2.8",
    tools: { tape: "5.10.2" },
    scripts: { test: "tape 'test/**/*.js'" },
    validate: null,
    runner: "TAP",
    testsMin: 100,
    damage: {
      path: "index.js",
      right: "next = arg.slice(j + 2);",
      broken: "next = arg.slice(j + 1);",
      wrong: "next = arg.slice(j + 3);",
    },
  },
  {
    name: "@fastify/error",
    version: "4.2.1",
    tools: { c8: "12.0.0" },
    scripts: { "test:unit": "c8 --100 node --test" },
    validate: "npm run test:unit",
    runner: "node:test",
    testsMin: 10,
    damage: {
      path: "index.js",
      right: "code = code.toUpperCase()",
      broken: "code = code.toLowerCase()",
      wrong: "code = code.toString().toLowerCase()",
    },
  },
];

describe("npm packages with the tests they publish:", () => {
  test.each(npmProjects)("$name", async (project) => {
    const { name, version, tools, scripts, validate, damage } = project;
    const repo = join(await makePlace(), "repo");
    await mkdir(repo);
    await fetching(
      name,
      repo,
      `npm pack --silent '${name}@${version}'; tar xzf *.tgz --strip-components 1; rm *.tgz`,
    );
    const original = await readFile(join(repo, damage.path), "utf8");
    const manifest = JSON.parse(await readFile(join(repo, "package.json"), "utf8"));
    const lean = { ...manifest, scripts, devDependencies: tools };
    await writeFile(join(repo, "package.json"), `${JSON.stringify(lean, null, 2)}\n`);
    await writeFile(join(repo, ".gitignore"), "node_modules/\ncoverage/\n");
    await fetching(
      `the development tools of ${name}`,
      repo,
      "npm install --ignore-scripts --no-audit --no-fund --silent",
    );
    await breakIt(repo, damage);
    await commitAll(repo);
    const loop = await runLoop({ repo, validate, model: repairer(damage) });
    await expectRepaired(loop, damage, original);
    expect(loop.view.verdict?.tests).toMatchObject({ runner: project.runner, failed: 0 });
    expect(loop.view.verdict?.tests?.ran).toBeGreaterThanOrEqual(project.testsMin);
  });
});

test.skipIf(process.platform !== "linux")(
  "a Python project from its Debian package (Linux only): simplejson",
  async () => {
    const place = await makePlace();
    const repo = join(place, "repo");
    await mkdir(repo);
    await fetching(
      "python3-simplejson",
      place,
      "apt-get download -qq python3-simplejson || { apt-get update -qq; apt-get download -qq python3-simplejson; }; dpkg-deb -x *.deb unpacked",
    );
    const unpacked = join(place, "unpacked/usr/lib/python3/dist-packages/simplejson");
    // Without its compiled half: what is under test is what is in the repository.
    const isSource = (path: string) => !/\.so$|__pycache__/.test(path);
    await cp(unpacked, join(repo, "simplejson"), { recursive: true, filter: isSource });
    await writeFile(join(repo, ".gitignore"), "__pycache__/\n");
    // Attempts differ in length: python trusts compiled files by second and size.
    const damage = {
      path: "simplejson/errors.py",
      right: "        colno = pos + 1\n",
      broken: "        colno = pos\n",
      wrong: "        colno = pos + 10\n",
    };
    const original = await readFile(join(repo, damage.path), "utf8");
    await breakIt(repo, damage);
    await commitAll(repo);
    const loop = await runLoop({
      repo,
      validate: "python3 -m unittest discover -s simplejson -t .",
      model: repairer(damage),
    });
    await expectRepaired(loop, damage, original);
    expect(loop.view.verdict?.tests).toMatchObject({ runner: "unittest", failed: 0 });
    expect(loop.view.verdict?.tests?.ran).toBeGreaterThanOrEqual(100);
  },
);

const greeting = "export const greet = (name) => `hello, $" + "{name}`;\n";

test("a monorepo of npm workspaces is judged with the loop's packages, not the user's", async () => {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const files: Files = {
    ".gitignore": "node_modules/\n",
    "package.json": json({
      name: "mono",
      private: true,
      workspaces: ["packages/*"],
      scripts: { test: "npm test --workspaces --if-present" },
    }),
    "packages/a/package.json": json({
      name: "@mono/a",
      version: "1.0.0",
      type: "module",
      scripts: { test: "node --test" },
      dependencies: { "@mono/b": "^1.0.0" },
    }),
    "packages/a/a.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { greet } from "@mono/b";
test("greets", () => assert.equal(greet("you"), "hello, you"));
`,
    "packages/b/package.json": json({
      name: "@mono/b",
      version: "1.0.0",
      type: "module",
      main: "index.js",
    }),
    "packages/b/index.js": greeting.replace(",", ""),
  };
  const damage = {
    path: "packages/b/index.js",
    right: "`hello, $",
    broken: "`hello $",
    wrong: "`hello; $",
  };
  const repo = await sampleRepository(files);
  await fetching("nothing", repo, "npm install --offline --no-audit --no-fund --silent");
  await commitAll(repo);
  const original = greeting;
  // The user's own, uncommitted b is right; a verdict that saw it would be green at once.
  await writeFile(join(repo, damage.path), original);
  const loop = await runLoop({ repo, model: repairer(damage) });
  await expectRepaired(loop, damage, original);
  expect(loop.view.verdict?.tests).toMatchObject({ runner: "node:test", ran: 1, failed: 0 });
});

describe.skipIf(!isOnPath("cargo"))("with cargo (which must be on PATH):", () => {
  test("a Rust crate without dependencies", async () => {
    const damage = {
      path: "src/lib.rs",
      right: "n % 15 == 0",
      broken: "n % 10 == 0",
      wrong: "n % 5 == 0",
    };
    const source = `pub fn fizz(n: u32) -> String {
    if n % 15 == 0 { "fizzbuzz".into() } else if n % 5 == 0 { "buzz".into() }
    else if n % 3 == 0 { "fizz".into() } else { n.to_string() }
}

#[cfg(test)]
mod tests {
    use super::fizz;
    #[test]
    fn says_both() { assert_eq!(fizz(15), "fizzbuzz"); assert_eq!(fizz(10), "buzz"); }
    #[test]
    fn says_one() { assert_eq!(fizz(3), "fizz"); assert_eq!(fizz(4), "4"); }
}
`;
    const repo = await sampleRepository({
      ".gitignore": "target/\n",
      "Cargo.toml": '[package]\nname = "fizz"\nversion = "0.1.0"\nedition = "2021"\n',
      "Cargo.lock":
        '# made by hand\nversion = 3\n\n[[package]]\nname = "fizz"\nversion = "0.1.0"\n',
      "src/lib.rs": source.replace(damage.right, damage.broken),
    });
    const model = scripted(
      [
        [read(damage.path)],
        [edit(damage.path, `if ${damage.broken} { "fizzbuzz"`, `if ${damage.wrong} { "fizzbuzz"`)],
        [done],
      ],
      [
        [read(damage.path)],
        [edit(damage.path, `if ${damage.wrong} { "fizzbuzz"`, `if ${damage.right} { "fizzbuzz"`)],
        [done],
      ],
    );
    const loop = await runLoop({ repo, validate: "cargo test", model, userHome: homedir() });
    expect(loop.view).toMatchObject({
      status: "complete",
      reason: null,
      iteration: 2,
      verdict: { tests: { runner: "cargo test", ran: 2, failed: 0 } },
    });
    expect(await fileAt(repo, String(loop.view.branch), damage.path)).toBe(source);
    expect(loop.checkout.after).toEqual(loop.checkout.before);
  });
});

function isOnPath(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
