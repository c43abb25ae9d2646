import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { SetUpRequest } from "../../../src/adapters/git/set-up.ts";
import type { WorktreeSettings } from "../../../src/core/loop.ts";
import { makeScene, never, plainRepository, type Scene, type SceneOptions, sh } from "./support.ts";

async function scene(options: SceneOptions = {}): Promise<Scene> {
  const made = await makeScene(options);
  onTestFinished(made.close);
  return made;
}

const settings: WorktreeSettings = { link: "auto", copy: [], setup: null, setupNetworkAllow: [] };

const monorepo = `
  git init -q -b main
  mkdir -p packages/lib packages/app/node_modules/only node_modules/left/bin node_modules/@s/one node_modules/.bin node_modules/.cache
  echo '{"name":"root","workspaces":["packages/*"]}' > package.json
  echo '{"name":"lib"}' > packages/lib/package.json; echo 'module.exports="user"' > packages/lib/index.js
  echo '{"name":"app"}' > packages/app/package.json; echo 'node_modules/' > .gitignore
  echo '{"packages":{"":{},"node_modules/left":{"version":"1.0.0"}}}' > package-lock.json
  git add -A; git commit -qm base
  echo '{"packages":{"node_modules/left":{"version":"1.0.0"}}}' > node_modules/.package-lock.json
  echo left > node_modules/left/index.js; echo '#!/bin/sh' > node_modules/left/bin/left
  ln -s ../left/bin/left node_modules/.bin/left; ln -s ../packages/lib node_modules/lib
  ln -s ../../packages/lib node_modules/@s/lib; echo c > node_modules/.cache/c
  ln -s ../../../packages/lib packages/app/node_modules/lib`;

describe("link: auto", () => {
  test("makes a real node_modules of links; workspaces are the worktree's own", async () => {
    const { worktrees, request, repo } = await scene({ script: monorepo });
    for (const workspace of [
      await worktrees.open(request(), never),
      await worktrees.fresh(request(), never),
    ]) {
      const at = (path: string) => join(workspace.dir, path);
      expect(lstatSync(at("node_modules")).isDirectory()).toBe(true);
      expect(readdirSync(at("node_modules")).sort()).toEqual([
        ".bin",
        ".package-lock.json",
        "@s",
        "left",
        "lib",
      ]);
      expect(realpathSync(at("node_modules/left"))).toBe(join(repo, "node_modules/left"));
      expect(readlinkSync(at("node_modules/.bin/left"))).toBe("../left/bin/left");
      expect(realpathSync(at("node_modules/@s/one"))).toBe(join(repo, "node_modules/@s/one"));
      for (const link of [
        "node_modules/lib",
        "node_modules/@s/lib",
        "packages/app/node_modules/lib",
      ]) {
        expect(realpathSync(at(link))).toBe(realpathSync(at("packages/lib")));
      }
      expect(workspace.readable).toContain(join(repo, "node_modules"));
      expect(workspace.readable).toContain(join(repo, "packages/app/node_modules"));
      expect(sh(workspace.dir, "git status --porcelain")).toBe("");
    }
  });

  test("links are never committed, and are made again when an agent broke them", async () => {
    const { worktrees, request, repo, base, write } = await scene({ script: monorepo });
    const workspace = await worktrees.open(request(), never);
    sh(
      workspace.dir,
      "rm -r node_modules; mkdir -p node_modules/left; echo fake > node_modules/left/index.js",
    );
    await write(workspace.dir, ".gitignore", "!node_modules\n");
    const commit = await workspace.snapshot(base, "x\n");
    expect(await worktrees.changes(repo, base, commit)).toEqual([
      { path: ".gitignore", status: "modified", oldPath: null },
    ]);
    await workspace.reset(base);
    expect(readFileSync(join(workspace.dir, "node_modules/left/index.js"), "utf8")).toBe("left\n");
  });

  test("says when node_modules does not fit the lock file", async () => {
    const { worktrees, repo } = await scene({ script: monorepo });
    expect(await worktrees.describeSetup(repo)).toEqual({
      links: ["node_modules", "packages/app/node_modules"],
      copies: [],
      notes: [],
      problems: [],
    });
    sh(repo, `sed -i s/1.0.0/2.0.0/ node_modules/.package-lock.json`);
    const { notes } = await worktrees.describeSetup(repo);
    expect(notes).toEqual([expect.stringContaining("node_modules differs from package-lock.json")]);
  });

  test("links a virtualenv, and refuses one that loads the user's sources", async () => {
    const { worktrees, request, repo } = await scene();
    sh(
      repo,
      `mkdir -p .venv/lib/python3.12/site-packages .venv/bin; echo 'home = /usr/bin' > .venv/pyvenv.cfg`,
    );
    const workspace = await worktrees.open(request(), never);
    expect(readlinkSync(join(workspace.dir, ".venv"))).toBe(join(repo, ".venv"));
    expect(sh(workspace.dir, "git status --porcelain")).toBe("");
    sh(repo, `echo "$PWD/src" > .venv/lib/python3.12/site-packages/_own.pth`);
    await expect(worktrees.open(request(), never)).rejects.toThrow(
      /editable install.*worktree.setup/s,
    );
    const given = { ...settings, link: [] };
    await expect(worktrees.open(request({ settings: given }), never)).resolves.toBeDefined();
  });

  test("copies composer's autoloader, which looks for the project beside itself", async () => {
    const { worktrees, request, repo } = await scene({
      script: `${plainRepository}
        echo '{}' > composer.json; echo vendor > .gitignore; git add -A; git commit -qm php
        mkdir -p vendor/composer vendor/acme/tool; echo auto > vendor/autoload.php; echo x > vendor/composer/installed.json`,
    });
    const { dir } = await worktrees.open(request(), never);
    expect(lstatSync(join(dir, "vendor/autoload.php")).isFile()).toBe(true);
    expect(lstatSync(join(dir, "vendor/composer/installed.json")).isFile()).toBe(true);
    expect(realpathSync(join(dir, "vendor/acme/tool"))).toBe(join(repo, "vendor/acme/tool"));
  });
});

describe("worktree.link and worktree.copy", () => {
  test("bring what is listed, and only from inside of the checkout", async () => {
    const { worktrees, request, repo, dir, base } = await scene();
    sh(
      repo,
      "mkdir -p deps/x; echo 1 > deps/x/y; echo secret > .env.test; ln -s ../outside out; echo o > ../outside",
    );
    const open = (more: Partial<WorktreeSettings>) =>
      worktrees.open(request({ settings: { ...settings, ...more } }), never);
    const workspace = await open({ link: ["deps"], copy: [".env.test"] });
    expect(readFileSync(join(workspace.dir, "deps/x/y"), "utf8")).toBe("1\n");
    expect(readFileSync(join(workspace.dir, ".env.test"), "utf8")).toBe("secret\n");
    expect(workspace.readable).toContain(join(repo, "deps"));
    expect(await workspace.snapshot(base, "x\n")).toBe(base);
    for (const bad of ["../outside", "out", join(dir, "outside"), ".git/config", "x/../.."]) {
      await expect(open({ copy: [bad] })).rejects.toThrow(/worktree.copy/);
    }
    for (const bad of ["..", ".git", "missing", "dir"]) {
      await expect(open({ link: [bad] })).rejects.toThrow(/worktree.link/);
    }
  });
});

describe("worktree.setup", () => {
  const withSetup = { ...settings, setup: "make deps", setupNetworkAllow: ["registry.example"] };

  test("runs in every new worktree, and again when a lock file changed", async () => {
    const calls: SetUpRequest[] = [];
    const { worktrees, request, base, write } = await scene({
      runSetup: async (call) => {
        calls.push(call);
        sh(call.cwd, "mkdir -p build; echo made > build/out; echo changed > a.txt");
        return { ok: true, output: "" };
      },
    });
    const workspace = await worktrees.open(request({ settings: withSetup }), never);
    expect(calls.map(({ cwd, command, networkAllow }) => ({ cwd, command, networkAllow }))).toEqual(
      [{ cwd: workspace.dir, command: "make deps", networkAllow: ["registry.example"] }],
    );
    expect(calls[0]?.writable).toContain(workspace.dir);
    // What it made stays, and is no part of the loop's work.
    expect(existsSync(join(workspace.dir, "build/out"))).toBe(true);
    expect(await workspace.snapshot(base, "x\n")).toBe(base);
    await worktrees.open(request({ settings: withSetup }), never);
    expect(calls).toHaveLength(1);
    await write(workspace.dir, "go.sum", "new\n");
    const head = await workspace.snapshot(base, "x\n");
    await worktrees.open(request({ settings: withSetup, head }), never);
    expect(calls).toHaveLength(2);
    const fresh = await worktrees.fresh(request({ settings: withSetup, head }), never);
    expect(calls[2]?.cwd).toBe(fresh.dir);
  });

  test("a failure tells what it said and what to do; nothing half made is used", async () => {
    let ok = false;
    const { worktrees, request, home } = await scene({
      runSetup: async () => ({ ok, output: "E404 no such package\n" }),
    });
    const asked = request({ settings: withSetup });
    await expect(worktrees.open(asked, never)).rejects.toThrow(
      /make deps\nE404 no such package\n.*worktree.setup/,
    );
    await expect(worktrees.fresh(asked, never)).rejects.toThrow(/E404/);
    expect(readdirSync(join(home, "fresh"))).toEqual([]);
    ok = true;
    await expect(worktrees.open(asked, never)).resolves.toBeDefined();
  });
});

const withSubmodule = `
  git init -q -b main ../lib; cd ../lib; echo lib > lib.txt; git add -A; git commit -qm lib
  cd ../repo; git init -q -b main; echo one > a.txt; git add -A; git commit -qm one
  git -c protocol.file.allow=always submodule --quiet add ../lib mods/lib; git commit -qm sub`;

test("submodules are checked out from the user's copies, and stay the commit they were", async () => {
  const { worktrees, request, repo, base, write } = await scene({ script: withSubmodule });
  const workspace = await worktrees.open(request(), never);
  const lib = join(workspace.dir, "mods/lib/lib.txt");
  expect(readFileSync(lib, "utf8")).toBe("lib\n");
  expect(sh(workspace.dir, "git status --porcelain")).toBe("");
  await write(workspace.dir, "mods/lib/lib.txt", "changed\n");
  await write(workspace.dir, "a.txt", "two\n");
  const commit = await workspace.snapshot(base, "x\n");
  expect(await worktrees.changes(repo, base, commit)).toEqual([
    { path: "a.txt", status: "modified", oldPath: null },
  ]);
  expect(await worktrees.paths(repo, commit)).toContain("mods/lib");
  expect(sh(workspace.dir, "git status --porcelain")).toBe("");
  await workspace.reset(commit);
  expect(readFileSync(lib, "utf8")).toBe("lib\n");
  const fresh = await worktrees.fresh(request({ head: commit }), never);
  expect(readFileSync(join(fresh.dir, "mods/lib/lib.txt"), "utf8")).toBe("lib\n");
});
