import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { chmod, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openPullRequest, slugOf } from "../../../src/adapters/git/pull-requests.ts";
import { findProgram } from "../../../src/host/find-program.ts";
import { never, sh } from "./support.ts";

/** Records its arguments, one a line after a mark; knows one pull request a head. */
const fakeGh = `#!/bin/bash
{ echo "== $GH_PROMPT_DISABLED $GH_TOKEN"; printf '%s\\n' "$@"; } >> "$GH_FAKE/calls"
for last; do :; done
for each; do case "$each" in --body-file=*) cp "\${each#*=}" "$GH_FAKE/body";; esac; done
[ -f "$GH_FAKE/fails-$2" ] && { printf '\\033[31mno \\ncan do\\033[0m' >&2; exit 1; }
case "$2" in
  view) cat "$GH_FAKE/pr-\${last//\\//_}" 2>/dev/null || { echo "no pull requests found" >&2; exit 1; };;
  create)
    head=\${3#--head=}; n=$(ls "$GH_FAKE" | grep -c '^pr-'); url="https://example.org/o/r/pull/$((n + 1))"
    printf '{"state":"OPEN","url":"%s"}' "$url" > "$GH_FAKE/pr-\${head//\\//_}"
    echo "Creating pull request"; echo "$url";;
esac
`;

const dirs: string[] = [];
afterAll(() => Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true }))));

let dir = "";
let repo = "";
let commit = "";

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "td-pr-"));
  dirs.push(dir);
  for (const name of ["repo", "bin", "fake"]) mkdirSync(join(dir, name));
  repo = join(dir, "repo");
  sh(
    repo,
    `git init -q --bare ../remote.git
     git init -q -b main; echo one > a.txt; git add -A; git commit -qm base
     git remote add origin ../remote.git; git push -q -u origin main
     git checkout -q -b taskdaemon/1; echo two > a.txt; git commit -qam work; git checkout -q main
     mkdir -p .git/hooks; for hook in pre-push reference-transaction post-checkout; do
       printf '#!/bin/sh\\ntouch ${dir}/hooked\\n' > .git/hooks/$hook; chmod +x .git/hooks/$hook; done`,
  );
  commit = sh(repo, "git rev-parse taskdaemon/1").trim();
  await writeFile(join(dir, "bin", "gh"), fakeGh);
  await chmod(join(dir, "bin", "gh"), 0o755);
});

function open(more: { title?: string; body?: string; base?: string; gh?: boolean } = {}) {
  const env = {
    PATH: process.env["PATH"],
    HOME: dir,
    GH_FAKE: join(dir, "fake"),
    SSH_AUTH_SOCK: "/run/agent",
    https_proxy: "http://proxy",
    ANTHROPIC_API_KEY: "sk-ant-none-of-gits",
    OPENAI_API_KEY: "sk-none-of-gits",
    GIT_MODEL_KEY: "key-none-of-gits",
    WEBHOOK_SECRET: "hook-none-of-gits",
    GH_TOKEN: "of-the-user",
    GIT_DIR: "/nonexistent",
  };
  const findGh = () => findProgram("gh", more.gh === false ? [] : [join(dir, "bin")]);
  const { title = "Mend it", body = "All of it.\n", base = "main" } = more;
  const request = { repo, branch: "taskdaemon/1", commit, base, title, body };
  return openPullRequest(
    { env, withheld: ["GIT_MODEL_KEY", "GH_TOKEN"], euid: null, findGh, redact: (text) => text },
    request,
    never,
  );
}

const calls = () =>
  readFileSync(join(dir, "fake", "calls"), "utf8")
    .split(/^== /m)
    .slice(1);
const remote = (script: string) => sh(join(dir, "remote.git"), script).trim();
const branches = () => remote("git for-each-ref --format='%(refname:short)' refs/heads");

test("pushes that branch alone, and opens its pull request as the user, without their hooks", async () => {
  sh(
    repo,
    "git tag -a -m x v1 taskdaemon/1; git branch other taskdaemon/1; git config push.followTags true; rm -f ../hooked",
  );
  expect(await open()).toEqual({ type: "opened", url: "https://example.org/o/r/pull/1" });
  expect(branches()).toBe("main\ntaskdaemon/1");
  expect(remote("git tag -l; git rev-parse taskdaemon/1")).toBe(commit);
  expect(calls()).toEqual([
    "1 of-the-user\npr\nview\n--json=url,state\n--\ntaskdaemon/1\n",
    expect.stringMatching(
      /^1 of-the-user\npr\ncreate\n--head=taskdaemon\/1\n--base=main\n--title=Mend it\n--body-file=\/.*\/body\.md\n$/,
    ),
  ]);
  expect(readFileSync(join(dir, "fake", "body"), "utf8")).toBe("All of it.\n");
  expect(sh(dir, "ls")).not.toContain("hooked");
});

test("tried again it finds what it made, and brings its words up to date", async () => {
  const first = await open();
  expect(await open({ title: "Newer", body: "More.\n" })).toEqual(first);
  const asked = calls().map((call) => call.split("\n").slice(1, 3).join(" "));
  expect(asked).toEqual(["pr view", "pr create", "pr view", "pr edit"]);
  expect(calls()[3]).toContain("--title=Newer\n");
  expect(readFileSync(join(dir, "fake", "body"), "utf8")).toBe("More.\n");
});

test("killed between push and pull request, the next try makes the one", async () => {
  sh(repo, `git push -q origin taskdaemon/1; rm -f ${dir}/hooked`);
  expect(await open()).toMatchObject({ type: "opened" });
  expect(branches()).toBe("main\ntaskdaemon/1");
});

test("one that was merged or closed under that name is none", async () => {
  const file = join(dir, "fake", "pr-taskdaemon_1");
  await writeFile(file, '{"state":"MERGED","url":"https://example.org/o/r/pull/9"}');
  expect(await open()).toEqual({ type: "opened", url: "https://example.org/o/r/pull/2" });
});

test("what models and people wrote is never an option", async () => {
  const title = "--web\u001b[31m $(touch hooked) `x` 'y' \"z\"";
  expect(await open({ title, body: "--fill\n" })).toMatchObject({ type: "opened" });
  expect(calls()[1]).toContain(`\n--title=${title}\n`);
  for (const base of ["-x", "--web", "a b", "a\nb"]) {
    expect(await open({ base })).toMatchObject({
      type: "refused",
      reason: expect.stringContaining("is no name"),
    });
  }
});

test("the name that somebody else has at the remote is left alone", async () => {
  sh(repo, "git push -q origin main:taskdaemon/1");
  expect(await open()).toMatchObject({ type: "opened" });
  expect(branches()).toBe("main\ntaskdaemon/1\ntaskdaemon/1-2");
  expect(remote("git rev-parse taskdaemon/1-2")).toBe(commit);
  expect(remote("git rev-parse taskdaemon/1")).toBe(remote("git rev-parse main"));
  expect(calls()[1]).toContain("--head=taskdaemon/1-2\n");
});

test("goes to the remote that the target tracks, for the branch that it is there", async () => {
  sh(
    repo,
    `git init -q --bare ../second.git; git remote add up ../second.git
     git push -q up main:trunk; git branch -q --set-upstream-to=up/trunk main`,
  );
  expect(await open()).toMatchObject({ type: "opened" });
  expect(sh(join(dir, "second.git"), "git rev-parse taskdaemon/1").trim()).toBe(commit);
  expect(branches()).toBe("main");
  expect(calls()[1]).toContain("--base=trunk\n");
});

test("says what is missing, and the way by hand", async () => {
  const reasons: string[] = [];
  const refused = async (more: Parameters<typeof open>[0] = {}) => {
    const answer = await open(more);
    reasons.push(answer.type === "refused" ? answer.reason : "opened");
  };
  await refused({ gh: false });
  await writeFile(join(dir, "fake", "fails-create"), "");
  await refused();
  sh(
    join(dir, "remote.git"),
    "printf '#!/bin/sh\\necho not today >&2; exit 1' > hooks/pre-receive; chmod +x hooks/pre-receive; git update-ref -d refs/heads/taskdaemon/1",
  );
  await refused();
  sh(repo, "git remote set-url origin ../nowhere.git");
  await refused();
  sh(repo, "git remote remove origin");
  await refused();
  expect(reasons).toEqual([
    expect.stringMatching(
      /^gh is not on the daemon's PATH .* git push origin taskdaemon\/1, then gh pr create --head taskdaemon\/1 --base main$/,
    ),
    "gh does not open it: no can do (try gh pr create --head taskdaemon/1 --base main)",
    expect.stringMatching(
      /^origin does not take the branch: .*not today.* \(try git push origin taskdaemon\/1\)$/,
    ),
    expect.stringMatching(/^origin does not answer: .*nowhere/),
    expect.stringMatching(/^\/.* has no remote origin: git remote add origin URL/),
  ]);
});

test("an abort ends what runs", async () => {
  await writeFile(join(dir, "bin", "gh"), "#!/bin/sh\nsleep 600\n");
  const halt = new AbortController();
  const env = { PATH: process.env["PATH"], HOME: dir };
  const findGh = async () => join(dir, "bin", "gh");
  const request = { repo, branch: "taskdaemon/1", commit, base: "main", title: "t", body: "b" };
  const redact = (text: string) => text;
  const asked = openPullRequest(
    { env, withheld: [], euid: null, findGh, redact },
    request,
    halt.signal,
  );
  setTimeout(() => halt.abort(), 500);
  await expect(asked).rejects.toThrow("aborted");
});

test.each([
  ["https://github.com/o/r.git", "github.com/o/r"],
  ["https://x:token@ghe.example.org/o/r", "ghe.example.org/o/r"],
  ["git@github.com:o/r.git", "github.com/o/r"],
  ["ssh://git@github.com/o/r.name.git", "github.com/o/r.name"],
  ["git@work:o/r.git", null],
  ["https://github.com/-o/r", null],
  ["https://github.com/a/b/c", null],
  ["../remote.git", null],
])("%s is %s to gh", (url, slug) => {
  expect(slugOf(url)).toBe(slug);
});
