import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  fingerprint,
  makeScene,
  never,
  plainRepository,
  type SceneOptions,
  sh,
  wholeRun,
} from "./support.ts";

const withHooks = `
  for hook in post-checkout pre-commit post-commit reference-transaction post-index-change \\
    pre-push post-update post-rewrite fsmonitor-watchman prepare-commit-msg update; do
    printf '#!/bin/sh\\ntouch "$PWD/canary-hook"; touch ${"$"}{CANARY:-/dev/null}\\n' > .git/hooks/$hook
    sed -i "s|\\$.CANARY:-/dev/null.|$PWD/../canary|" .git/hooks/$hook
    chmod +x .git/hooks/$hook
  done
  git config core.fsmonitor "touch $PWD/../canary;"
  git config diff.external "touch $PWD/../canary;"
  git config core.alternateRefsCommand "touch $PWD/../canary;"`;

const withFilter = `
  printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:00\\nsize 5\\n' > big.bin
  echo '*.bin filter=lfs diff=lfs merge=lfs -text' > .gitattributes
  git add -A; git commit -qm lfs
  git config filter.lfs.clean "touch $PWD/../canary; cat"
  git config filter.lfs.smudge "touch $PWD/../canary; cat"
  git config filter.lfs.process "touch $PWD/../canary; false"
  git config filter.lfs.required true
  git config diff.lfs.textconv "touch $PWD/../canary; cat"
  git config merge.lfs.driver "touch $PWD/../canary; false"
  cat big.bin > copy; cat copy > big.bin; rm copy`;

const situations: Record<string, SceneOptions> = {
  "is dirty": {
    script: `${plainRepository}\necho dirty > a.txt; echo u > untracked; git stash -q; echo again > a.txt; git add a.txt; echo more >> a.txt`,
  },
  "is in the middle of a merge": {
    script: `${plainRepository}
      git checkout -qb side; echo side > a.txt; git commit -qam side
      git checkout -q main; echo main > a.txt; git commit -qam main
      git merge -q side || true`,
  },
  "holds an index.lock": { script: `${plainRepository}\n: > .git/index.lock` },
  "has a branch with odd characters": {
    script: `${plainRepository}\ngit checkout -qb "feature/ü #1 'x'" 2>/dev/null || git checkout -qb "feature/ü#1'x'"`,
  },
  "has a detached HEAD": { script: `${plainRepository}\ngit checkout -q --detach` },
  "has hooks and programs in its configuration": { script: plainRepository + withHooks },
  "has filters": { script: plainRepository + withFilter },
  "is a linked worktree": {
    script: `${plainRepository}\ngit worktree add -q ../linked -b linked`,
    checkout: "linked",
  },
  "has sha256 names": {
    script: plainRepository.replace("git init", "git init --object-format=sha256"),
  },
  "is a shallow clone": {
    script: `git init -q -b main ../origin; cd ../origin
      for i in 1 2 3; do echo $i > a.txt; git add -A; git commit -qm $i; done
      rmdir ../repo; git clone -q --depth 1 file://$PWD ../repo`,
  },
  "has submodules": {
    script: `git init -q -b main ../lib; cd ../lib; echo lib > lib.txt; git add -A; git commit -qm lib
      cd ../repo; ${plainRepository}
      git -c protocol.file.allow=always submodule --quiet add ../lib mods/lib; git commit -qm sub
      echo dirty > mods/lib/lib.txt`,
  },
  "borrows objects from others": {
    script: `git init -q -b main ../first; cd ../first; echo one > a.txt; git add -A; git commit -qm 1
      git clone -q --shared . ../second; cd ../second; echo 2 > b; git add -A; git commit -qm 2
      rmdir ../repo; git clone -q --shared . ../repo; cd ../repo; echo 3 > c; git add -A; git commit -qm 3`,
  },
};

describe("a whole run leaves the user's repository as it was when it", () => {
  for (const [situation, options] of Object.entries(situations)) {
    test(situation, async () => {
      const scene = await makeScene(options);
      const main = join(scene.dir, "repo");
      const before = [fingerprint(main), fingerprint(scene.repo)];
      const head = await wholeRun(scene);
      expect([fingerprint(main), fingerprint(scene.repo)]).toEqual(before);
      expect(existsSync(join(scene.dir, "canary"))).toBe(false);
      expect(sh(scene.repo, "git rev-parse refs/heads/taskdaemon/1.1").trim()).toBe(head);
      expect(sh(scene.repo, "git show taskdaemon/1.1:a.txt")).toBe("four\n");
      await scene.close();
    });
  }
});

test("the user's git stays well while loops exist, and their gc takes nothing of ours", async () => {
  const scene = await makeScene({
    script: `${plainRepository}
      git clone -q --bare . ../origin.git; git remote add origin ../origin.git
      git checkout -qb doomed; echo shared > shared.txt; git add -A; git commit -qm doomed
      git checkout -q main`,
  });
  const { worktrees, repo, base } = scene;
  const workspace = await worktrees.open(scene.request(), never);
  // The same content as on a branch of the user's, so that git finds it borrowed.
  await scene.write(workspace.dir, "shared.txt", "shared\n");
  const head = await workspace.snapshot(base, "first\n");
  sh(repo, "git branch -qD doomed; git checkout -q --orphan other; git commit -qm other");
  sh(repo, "git branch -qD main; git reflog expire --expire=now --all; git gc -q --prune=now");
  sh(repo, "git log --all --oneline; git fetch -q origin; git fsck --full --strict");
  expect(await worktrees.file(repo, head, "shared.txt")).toBe("shared\n");
  const [shadow] = sh(scene.home, "echo shadows/*").trim().split(" ");
  sh(join(scene.home, shadow ?? ""), "git fsck --full --connectivity-only");
  await workspace.reset(base);
  await workspace.reset(head);
  await worktrees.deliver(repo, scene.request().loop, head);
  sh(repo, "git gc -q --prune=now; git fsck --full --strict");
  expect(sh(repo, "git show taskdaemon/1.1:shared.txt")).toBe("shared\n");
  await scene.close();
});
