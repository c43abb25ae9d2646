import { existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { gitTargets } from "../../../src/adapters/git/targets.ts";
import { targetsContract } from "../../contracts/targets.ts";
import { makeScene, type Scene, sh } from "./support.ts";

vi.mock("node:os", { spy: true });

const script = `
  git init -q -b main
  echo same > same.txt; echo one > a.txt
  git add -A; git commit -qm base; git checkout -q --detach`;

async function begin(more = "") {
  const scene = await makeScene({ script: `${script}\n${more}` });
  let at = 1_700_000_000_000;
  const targets = gitTargets(scene.worktrees, {
    identity: { name: "TaskDaemon", email: "taskdaemon@example.org" },
    now: () => (at += 1000),
  });
  return { scene, targets };
}

/** In a clone's own index, so that nothing of the checkout changes. */
function commitIn({ repo, dir }: Scene, parent: string, files: Record<string, string | null>) {
  const env = { GIT_INDEX_FILE: join(dir, "person-index") };
  sh(repo, `git read-tree ${parent}`, env);
  for (const [path, text] of Object.entries(files)) {
    if (text === null) sh(repo, `git update-index --force-remove ${path}`, env);
    else {
      writeFileSync(join(dir, "blob"), text);
      const blob = sh(repo, "git hash-object -w ../blob").trim();
      sh(repo, `git update-index --add --cacheinfo 100644,${blob},${path}`, env);
    }
  }
  return sh(repo, `git commit-tree -p ${parent} -m person $(git write-tree)`, env).trim();
}

targetsContract("git", async () => {
  const { scene, targets } = await begin();
  const { repo, base, close } = scene;
  const gitDir = async () => (await scene.worktrees.shadow(repo)).place.gitDir;
  return {
    ...{ targets, repo, base, close },
    commit: async (parent, files) => commitIn(scene, parent, files),
    files: async (commit) => {
      const git = `git --git-dir='${await gitDir()}'`;
      const names = sh(repo, `${git} ls-tree -r --name-only ${commit}`).trim().split("\n");
      return Object.fromEntries(
        names.map((name) => [name, sh(repo, `${git} show ${commit}:${name}`)]),
      );
    },
    parents: async (commit) => {
      const told = sh(
        repo,
        `git --git-dir='${await gitDir()}' log -1 --format=%P ${commit}`,
      ).trim();
      return told === "" ? [] : told.split(" ");
    },
    checkOut: async ({ inTheWay }) => {
      sh(repo, `git checkout -q main; ${inTheWay ? "echo mine > a.txt" : "echo mine > same.txt"}`);
      return repo;
    },
  };
});

test("a checkout moves on where the machine's temporary directory cannot be used", async () => {
  const { scene, targets } = await begin();
  const { repo, base } = scene;
  const to = commitIn(scene, base, { "a.txt": "two\n" });
  sh(repo, "git checkout -q main");
  vi.mocked(tmpdir).mockReturnValue("/dev/null/none");
  const moved = await targets.fastForward(repo, "main", repo, to);
  vi.mocked(tmpdir).mockReset();
  expect(moved).toEqual({ type: "moved" });
  expect(sh(repo, "cat a.txt")).toBe("two\n");
  await scene.close();
});

test("a checkout with a filter of its own is not written to", async () => {
  const { scene, targets } = await begin("echo '*.bin filter=lfs' > .git/info/attributes");
  const { repo, base } = scene;
  const to = commitIn(scene, base, { "big.bin": "big" });
  sh(repo, "git checkout -q main");
  const moved = await targets.fastForward(repo, "main", repo, to);
  expect(moved).toMatchObject({ type: "refused", reason: expect.stringContaining("big.bin") });
  expect(sh(repo, "git status --porcelain; git rev-parse main").trim()).toBe(base);
  await scene.close();
});

test("nor where the commit itself brings the attributes: no program of the user's runs for it", async () => {
  const { scene, targets } = await begin("git config filter.own.smudge 'touch ../ran; cat'");
  const { repo, base, dir } = scene;
  const attributes = "*.bin filter=own\n";
  const to = commitIn(scene, base, { ".gitattributes": attributes, "big.bin": "big" });
  sh(repo, "git checkout -q main");
  const moved = await targets.fastForward(repo, "main", repo, to);
  expect(moved).toMatchObject({ type: "refused", reason: expect.stringContaining("big.bin") });
  expect(existsSync(join(dir, "ran"))).toBe(false);
  expect(sh(repo, "git status --porcelain; git rev-parse main").trim()).toBe(base);
  await scene.close();
});

test("a checkout that shows a part of the files is left to the user's own git", async () => {
  const sparse = "git sparse-checkout set --no-cone '/*' '!/d'";
  const { scene, targets } = await begin(`git config core.autocrlf false; ${sparse}`);
  const { repo, base } = scene;
  const to = commitIn(scene, base, { "d/hidden.txt": "x" });
  sh(repo, "git checkout -q main");
  const moved = await targets.fastForward(repo, "main", repo, to);
  expect(moved).toMatchObject({ type: "refused", reason: expect.stringContaining("sparse") });
  expect(existsSync(join(repo, "d"))).toBe(false);
  await scene.close();
});

test("what was merged into a branch is whole in the user's repository, and nothing else", async () => {
  const { scene, targets } = await begin();
  const { repo, base, worktrees } = scene;
  const workspace = await worktrees.open(scene.request(), new AbortController().signal);
  await scene.write(workspace.dir, "a.txt", "two\n");
  const head = await workspace.snapshot(base, "work\n");
  const onto = commitIn(scene, base, { "b.txt": "b\n" });
  sh(repo, `git update-ref refs/heads/main ${onto}`);
  const request = { loop: scene.request().loop, repo, base, head, onto, message: "make it\n" };
  const combined = await targets.combine({ ...request, as: "one commit" });
  expect(await targets.move(repo, "main", onto, combined.commit)).toEqual({ type: "moved" });
  expect(sh(repo, "git log --format=%s main").trim()).toBe("make it\nperson\nbase");
  expect(sh(repo, "git fsck --full --strict 2>&1 | grep -v dangling || true")).toBe("");
  expect(sh(repo, "git show main:a.txt main:b.txt")).toBe("two\nb\n");
  expect(sh(repo, "git gc -q --prune=now; git fsck --full; git show main:a.txt").trim()).toBe(
    "two",
  );
  expect(sh(repo, "ls .git/objects/pack/*.keep 2>/dev/null || true")).toBe("");
  await scene.close();
});
