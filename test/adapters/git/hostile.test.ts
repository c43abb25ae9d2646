import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CommitId } from "../../../src/core/loop.ts";
import type { LoopWorkspace } from "../../../src/ports.ts";
import { makeScene, never, plainRepository, type Scene, type SceneOptions, sh } from "./support.ts";

interface Attack extends Scene {
  readonly workspace: LoopWorkspace;
  /** Runs a script of the agent in its worktree; `$G` is its git directory, `$OUT` lies outside. */
  readonly agent: (script: string) => void;
  readonly paths: (commit: CommitId) => Promise<readonly string[]>;
  readonly snapshot: () => Promise<CommitId>;
  /** What lies outside and must stay as it is. */
  readonly outside: string;
}

async function attack(options: SceneOptions = {}): Promise<Attack> {
  const scene = await makeScene(options);
  onTestFinished(scene.close);
  const outside = join(scene.dir, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "secret\n");
  const workspace = await scene.worktrees.open(scene.request(), never);
  const env = {
    G: join(dirname(workspace.dir), "git"),
    OUT: outside,
    CANARY: join(scene.dir, "canary"),
  };
  return {
    ...scene,
    outside,
    workspace,
    agent: (script) => void sh(workspace.dir, script, env),
    paths: (commit) => scene.worktrees.paths(scene.repo, commit),
    snapshot: () => workspace.snapshot(scene.base, "attacked\n"),
  };
}

function outsideIsWhole({ outside, dir, repo }: Attack): void {
  expect(readdirSync(outside)).toEqual(["secret"]);
  expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret\n");
  expect(existsSync(join(dir, "canary"))).toBe(false);
  expect(sh(repo, "git status --porcelain; git fsck --full")).toBe("");
}

const hostileConfig = `
  git config core.fsmonitor "touch $CANARY; false"
  git config core.hooksPath $PWD/hooks; mkdir -p hooks
  printf '#!/bin/sh\\ntouch $CANARY\\n' > hooks/post-index-change; chmod +x hooks/*
  cp hooks/post-index-change hooks/reference-transaction
  git config filter.evil.clean "touch $CANARY; cat"; git config filter.evil.smudge "touch $CANARY; cat"
  git config diff.external "touch $CANARY"; git config core.worktree "$OUT"
  git config alias.status "!touch $CANARY"`;

const attacks: Record<string, string> = {
  "links planted in its git directory": `
    mkdir -p $G/logs; for f in logs/HEAD index COMMIT_EDITMSG HEAD config; do
      rm -f $G/$f; ln -s $OUT/secret $G/$f; done`,
  "links in place of directories of its git": `
    rm -rf $G/objects $G/refs $G/info; for f in objects refs info; do ln -s $OUT $G/$f; done`,
  "its git directory gone": "rm -rf $G",
  "its git directory a link": "rm -rf $G; ln -s $OUT $G",
  ".git a directory with a hostile configuration": `rm .git; git init -q .; ${hostileConfig}; rm -rf hooks`,
  ".git a link out": "rm .git; ln -s $OUT .git",
  ".git a directory of links":
    "rm .git; mkdir .git; ln -s $OUT/secret .git/HEAD; ln -s $OUT .git/objects",
  "a hostile configuration in its own git": `${hostileConfig}; rm -rf hooks`,
  "index bits that hide changes": `
    git update-index --assume-unchanged a.txt; git update-index --skip-worktree a.txt`,
  "HEAD on a branch named main": "git checkout -qB main",
};

describe("an agent gains nothing by", () => {
  for (const [title, script] of Object.entries(attacks)) {
    test(title, async () => {
      const scene = await attack();
      scene.agent(`${script}\necho changed > a.txt`);
      const commit = await scene.snapshot();
      expect(await scene.paths(commit)).toEqual(["a.txt", "dir/b.txt"]);
      expect(await scene.worktrees.file(scene.repo, commit, "a.txt")).toBe("changed\n");
      await scene.workspace.reset(scene.base);
      expect(sh(scene.workspace.dir, "git status --porcelain; git rev-parse HEAD")).toBe(
        `${scene.base}\n`,
      );
      await scene.worktrees.open(scene.request(), never);
      outsideIsWhole(scene);
    });
  }

  test("filters, drivers and encodings in .gitattributes", async () => {
    const scene = await attack();
    scene.agent(`echo '* filter=evil diff=evil merge=evil' > .gitattributes
      git config filter.evil.clean "touch $CANARY; cat"; echo changed > a.txt`);
    const commit = await scene.snapshot();
    expect(await scene.worktrees.file(scene.repo, commit, "a.txt")).toBe("changed\n");
    scene.agent("echo '* working-tree-encoding=nonsense' > .gitattributes; echo again > a.txt");
    await expect(scene.workspace.snapshot(commit, "x\n")).rejects.toThrow(/cannot be saved/);
    await scene.workspace.reset(commit);
    expect(readFileSync(join(scene.workspace.dir, "a.txt"), "utf8")).toBe("changed\n");
    expect((await scene.worktrees.listTrash()).map(({ isFilesOnly }) => isFilesOnly)).toEqual([
      true,
    ]);
    outsideIsWhole(scene);
  });

  test("directories replaced by links out of the worktree", async () => {
    const scene = await attack();
    scene.agent("rm -r dir; ln -s $OUT dir; ln -s $OUT/secret leak; ln -s $OUT more");
    const commit = await scene.snapshot();
    expect(await scene.paths(commit)).toEqual(["a.txt", "dir", "leak", "more"]);
    expect(await scene.worktrees.file(scene.repo, commit, "leak")).toBeNull();
    scene.agent(
      "cp $OUT/secret b.txt; rm dir; mkdir dir; cp b.txt dir/b.txt; rm -r dir; ln -s $OUT dir",
    );
    await scene.workspace.reset(scene.base);
    expect(readFileSync(join(scene.workspace.dir, "dir/b.txt"), "utf8")).toBe("b\n");
    expect(lstatSync(join(scene.workspace.dir, "dir")).isDirectory()).toBe(true);
    outsideIsWhole(scene);
  });

  test("repositories inside of the worktree: their files are saved, their .git is not", async () => {
    const scene = await attack();
    scene.agent(`mkdir -p sub/deep dir; echo 1 > sub/one; echo 'skip' > sub/.gitignore; echo s > sub/skip
      cd sub; git init -q; ${hostileConfig}; rm -rf hooks; echo '* filter=evil' > .gitattributes
      GIT_DIR=$PWD/.git git -c core.fsmonitor=false -c core.hooksPath=/x -c core.worktree=$PWD commit -q --allow-empty -m x --author 'a <a@a>'
      cd deep; git init -q; echo 2 > two; cd ../../dir; git init -q; echo 3 > three; rm -f $CANARY`);
    const commit = await scene.snapshot();
    expect(await scene.paths(commit)).toEqual([
      "a.txt",
      "dir/b.txt",
      "dir/three",
      "sub/.gitattributes",
      "sub/.gitignore",
      "sub/deep/two",
      "sub/one",
    ]);
    scene.agent("echo 4 > sub/four; echo 22 > sub/deep/two");
    const next = await scene.workspace.snapshot(commit, "next\n");
    expect(await scene.worktrees.changes(scene.repo, commit, next)).toEqual([
      { path: "sub/deep/two", status: "modified", oldPath: null },
      { path: "sub/four", status: "added", oldPath: null },
    ]);
    await scene.workspace.reset(scene.base);
    expect(existsSync(join(scene.workspace.dir, "sub"))).toBe(false);
    outsideIsWhole(scene);
  });

  test("a repository inside of a directory whose name is no text", async () => {
    const scene = await attack();
    scene.agent(`mkdir $'\\xff'; echo changed > a.txt; cd $'\\xff'; git init -q; echo 1 > one
      git add -A; git -c user.name=a -c user.email=a@a commit -q -m x`);
    expect(await scene.paths(await scene.snapshot())).toEqual(["a.txt", "dir/b.txt"]);
    outsideIsWhole(scene);
  });

  test("a pipe where git looks for attributes: a command that leaves one altered the files", async () => {
    const scene = await attack();
    const fresh = await scene.worktrees.fresh(scene.request(), never);
    sh(fresh.dir, "echo changed > dir/b.txt");
    expect(await fresh.altered()).toEqual(["dir/b.txt"]);
    sh(fresh.dir, "mkfifo dir/.gitattributes other; touch -d yesterday dir/b.txt");
    expect(await fresh.altered()).toEqual(["dir/.gitattributes"]);
    await fresh.close();
  });

  test("a hostile repository inside, beside a name that makes git stage twice", async () => {
    const scene = await attack();
    scene.agent(`mkdir -p sub .GIT; echo x > .GIT/x; echo 1 > sub/one; cd sub; git init -q
      echo '* filter=evil' > .gitattributes; git add -A
      git -c user.name=a -c user.email=a@a commit -q -m x
      git config filter.evil.clean "touch $CANARY; cat"; echo 2 > one`);
    const commit = await scene.snapshot();
    const all = ["a.txt", "dir/b.txt", "sub/.gitattributes", "sub/one"];
    expect(await scene.paths(commit)).toEqual(all);
    outsideIsWhole(scene);
    // What a crash between staging and stripping leaves behind.
    const index = join(dirname(scene.workspace.dir), "index");
    const [shadow = ""] = readdirSync(join(scene.home, "shadows"));
    const env = { GIT_DIR: join(scene.home, "shadows", shadow), GIT_INDEX_FILE: index };
    sh(
      scene.dir,
      `git rm -q --cached -r sub; git update-index --add --cacheinfo 160000,${commit},sub`,
      env,
    );
    const again = await scene.worktrees.open(scene.request({ head: commit }), never);
    scene.agent("echo 3 > sub/one");
    expect(await scene.paths(await again.snapshot(commit, "again\n"))).toEqual(all);
    outsideIsWhole(scene);
  });

  test("pipes, sockets, closed files and names that git refuses", async () => {
    const scene = await attack();
    scene.agent(`rm a.txt; mkfifo a.txt pipe; mkdir -p .GIT 'git~1' 'x/.git '; echo x > .GIT/config
      echo x > 'git~1/config'; echo x > 'x/.git /config'
      echo closed > closed; chmod 000 closed; mkdir shut; echo x > shut/x; chmod 000 shut
      printf n > $'new\\nline'; printf n > $'\\xff\\xfe'; printf n > '..x'; printf n > ' lead "quote'\\''s'`);
    const commit = await scene.snapshot();
    const paths = await scene.paths(commit);
    expect(paths).toEqual([
      " lead \"quote's",
      "..x",
      "closed",
      "dir/b.txt",
      "new\nline",
      "shut/x",
      "\ufffd\ufffd",
    ]);
    await scene.workspace.reset(scene.base);
    // No commit can hold the pipe, and git does not clean it away.
    expect(readdirSync(scene.workspace.dir).sort()).toEqual([".git", "a.txt", "dir", "pipe"]);
    outsideIsWhole(scene);
  });

  test("rewriting .gitignore: what the base ignores, and litter, stays out", async () => {
    const scene = await attack({
      script: `${plainRepository}\nprintf 'dist/\\n.env\\n' > .gitignore; git add -A; git commit -qm i`,
    });
    scene.agent(`echo '!node_modules' > .gitignore; mkdir -p dist node_modules/vitest .td-out x/__pycache__ src
      echo x > dist/x; echo s > .env; echo fake > node_modules/vitest/index.js; echo p > .td-out/plan.md
      echo x > x/__pycache__/y.pyc; echo x > src/ok; echo x > ':(top)x'; printf 'src/no\\n' >> .gitignore; echo x > src/no`);
    const commit = await scene.snapshot();
    expect(await scene.paths(commit)).toEqual([
      ".gitignore",
      ":(top)x",
      "a.txt",
      "dir/b.txt",
      "src/ok",
    ]);
  });

  test("a .gitmodules that points elsewhere", async () => {
    const scene = await attack();
    scene.agent(`printf '[submodule "../../outside"]\\n\\tpath = evil\\n\\turl = ext::touch $CANARY\\n' > .gitmodules
      mkdir evil; cd evil; git init -q; git -c user.name=a -c user.email=a@a commit -q --allow-empty -m x`);
    const commit = await scene.snapshot();
    expect(await scene.paths(commit)).toEqual([".gitmodules", "a.txt", "dir/b.txt"]);
    await scene.workspace.reset(commit);
    outsideIsWhole(scene);
  });

  test("links in place of the directories above a linked one", async () => {
    const scene = await attack({
      script: `${plainRepository}
        mkdir -p vendor/bundle/gem; echo > Gemfile; echo vendor > .gitignore
        git add -A; git commit -qm p`,
    });
    scene.agent("rm -r vendor; mkdir -p $OUT/../bait; ln -s $OUT/../bait vendor");
    await scene.workspace.reset(scene.base);
    expect(readdirSync(join(scene.dir, "bait"))).toEqual([]);
    expect(readdirSync(join(scene.workspace.dir, "vendor/bundle"))).toEqual(["gem"]);
  });
});

test.runIf(process.getuid?.() === 0)(
  "an agent of another uid works with git, and only there",
  async () => {
    const scene = await attack({ uid: 65534 });
    const { workspace } = scene;
    const drop = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    const asAgent = (script: string) =>
      sh(workspace.dir, `exec ${drop} bash -ec "$SCRIPT"`, { SCRIPT: script, ...workspace.env });
    expect(lstatSync(workspace.dir).mode & 0o777).toBe(0o700);
    expect(lstatSync(dirname(workspace.dir)).mode & 0o777).toBe(0o711);
    sh(scene.home, "chmod 711 shadows"); // A sandbox would show it what is in `readable`.
    expect(asAgent("git status --porcelain; git log --format=%s")).toBe("base\n");
    asAgent(
      "echo mine > mine; git add -A; git commit -qm mine; git checkout -qb work; git stash list",
    );
    expect(() => asAgent("ls ..")).toThrow();
    const commit = await scene.snapshot();
    expect(asAgent("git status --porcelain; git log --format=%s")).toBe("attacked\nbase\n");
    expect(asAgent("find . ! -uid 65534 | head")).toBe("");
    const fresh = await scene.worktrees.fresh(scene.request({ head: commit }), never);
    expect(
      asAgent(
        `cd ${fresh.dir}; git status --porcelain; touch build; cat mine; find . ! -uid 65534`,
      ),
    ).toBe("mine\n");
    await fresh.close();
    symlinkSync(scene.outside, join(workspace.dir, "out"));
    await workspace.reset(scene.base);
    expect(lstatSync(join(scene.outside, "secret")).uid).toBe(0);
    outsideIsWhole(scene);
  },
);
