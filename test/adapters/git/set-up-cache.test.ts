import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { SetUpRequest } from "../../../src/adapters/git/set-up.ts";
import { SetUpCache } from "../../../src/adapters/git/set-up-cache.ts";
import type { WorktreeSettings } from "../../../src/core/loop.ts";
import type { WorktreeRequest } from "../../../src/ports.ts";
import { loopId, makeScene, never, plainRepository, type Scene, sh } from "./support.ts";

const settings: WorktreeSettings = {
  ...{ link: [], copy: [], setup: "make deps", setupNetworkAllow: [] },
};

const locked = `${plainRepository}
  echo node_modules/ > .gitignore; echo v1 > package-lock.json; mkdir app; echo a > app/a.txt
  git add -A; git commit -qm locked`;

const makes =
  "mkdir -p node_modules/left app/node_modules; cp package-lock.json node_modules/left/version; echo bin > app/node_modules/x; ln -s left node_modules/link";

interface Place extends Scene {
  readonly calls: SetUpRequest[];
  open(loop: string, more?: Partial<WorktreeRequest>): Promise<string>;
  fresh(more?: Partial<WorktreeRequest>): Promise<string>;
  kept(): string[];
}

async function place(script = makes, repository = locked): Promise<Place> {
  const calls: SetUpRequest[] = [];
  const scene = await makeScene({
    script: repository,
    runSetup: async (call) => {
      calls.push(call);
      sh(call.cwd, script, call.env);
      return { ok: true, output: "" };
    },
  });
  onTestFinished(scene.close);
  const { worktrees, request, home } = scene;
  const open = async (loop: string, more: Partial<WorktreeRequest> = {}) =>
    (await worktrees.open(request({ settings, loop: loopId(loop), ...more }), never)).dir;
  const fresh = async (more: Partial<WorktreeRequest> = {}) =>
    (await worktrees.fresh(request({ settings, ...more }), never)).dir;
  return { ...scene, calls, open, fresh, kept: () => readdirSync(join(home, "set-ups")) };
}

const version = (dir: string) =>
  readFileSync(join(dir, "node_modules/left/version"), "utf8").trim();

test("one run on the base commit, apart from any loop, sets all of them up; each has its own copy", async () => {
  const { open, fresh, calls, kept, home, worktrees, base, request, write } = await place();
  const dirs = await Promise.all([open("1"), open("2"), fresh()]);
  expect(calls).toHaveLength(1);
  expect(dirs).not.toContain(calls[0]?.cwd);
  expect(readdirSync(join(home, "fresh"))).toHaveLength(1);
  expect(kept()).toHaveLength(1);
  for (const dir of dirs) {
    expect(version(dir)).toBe("v1");
    expect(readFileSync(join(dir, "app/node_modules/x"), "utf8")).toBe("bin\n");
    expect(lstatSync(join(dir, "node_modules/link")).isSymbolicLink()).toBe(true);
    expect(sh(dir, "git status --porcelain")).toBe("");
  }
  await write(dirs[0] ?? "", "node_modules/left/version", "poison\n");
  await write(dirs[0] ?? "", "a.txt", "work\n");
  const workspace = await worktrees.open(request({ settings, loop: loopId("1") }), never);
  const head = await workspace.snapshot(base, "x\n");
  for (const dir of [await open("3"), await fresh({ loop: loopId("1"), head }), dirs[1] ?? ""]) {
    expect(version(dir)).toBe("v1");
  }
  expect(calls).toHaveLength(1);
});

test("another lock file or command is another set-up, and without a lock file there is none to keep", async () => {
  const { open, calls, kept, repo, base } = await place();
  await open("1");
  await open("2", { settings: { ...settings, setup: "make all" } });
  expect(calls.map(({ command }) => command)).toEqual(["make deps", "make all"]);
  sh(repo, "echo v2 > package-lock.json; git commit -qam two");
  const next = sh(repo, "git rev-parse HEAD").trim();
  expect(version(await open("3", { base: next, head: next }))).toBe("v2");
  expect(version(await open("4", { base: next, head: next }))).toBe("v2");
  expect(version(await open("5", { base, head: base }))).toBe("v1");
  expect(calls).toHaveLength(3);
  expect(kept()).toHaveLength(3);
  const without = await place("echo x > made.txt", plainRepository);
  for (const loop of ["1", "2"]) await without.open(loop);
  expect(without.calls).toHaveLength(2);
  expect(without.kept()).toEqual([]);
});

test("what only loops have committed is never what others are set up by", async () => {
  const { open, calls, kept, repo, base } = await place();
  sh(repo, "git checkout -q -b taskdaemon/plan-1; echo evil > a.txt; git commit -qam loops");
  const head = sh(repo, "git rev-parse HEAD").trim();
  sh(repo, "git checkout -q main");
  const dirs = [await open("1.1", { base: head, head }), await open("1.2", { base: head, head })];
  expect(calls.map(({ cwd }) => cwd)).toEqual(dirs);
  expect(kept()).toEqual([]);
  await open("2", { base, head: base });
  expect(kept()).toHaveLength(1);
  // Theirs may be set up by what came of the user's.
  await open("1.3", { base: head, head });
  expect(calls).toHaveLength(3);
});

test("a link that a model committed leads nothing out of the worktree", async () => {
  // The command itself is confined; here it is only kept from following the links.
  const careful = `[ -L app ] || [ -L node_modules ] || { ${makes}; }`;
  const { open, fresh, calls, worktrees, request, base, dir } = await place(careful);
  await open("1");
  mkdirSync(join(dir, "outside"));
  const outside = join(dir, "outside");
  const deeds = [
    `rm -r app; ln -s '${outside}' app`,
    `rm -rf node_modules; sed -i d .gitignore; ln -s '${outside}' node_modules`,
  ];
  for (const [n, deed] of deeds.entries()) {
    const loop = loopId(`${n + 2}`);
    const workspace = await worktrees.open(request({ settings, loop }), never);
    sh(workspace.dir, deed);
    const head = await workspace.snapshot(base, "x\n");
    expect(head).not.toBe(base);
    await fresh({ loop, head });
    expect(readdirSync(outside)).toEqual([]);
  }
  // Nothing is laid behind the first; the command has its say there.
  expect(calls).toHaveLength(2);
});

test.each([
  ["knows where it lies", `${makes}; echo "$PWD/x" > node_modules/shebang`],
  ["links to where it lies", `${makes}; ln -s "$PWD/a.txt" node_modules/abs`],
  ["leaves tools in its HOME", `${makes}; mkdir -p $HOME/.local/bin; echo > $HOME/.local/bin/tool`],
  ["makes nothing in the worktree", "true"],
])("a set-up that %s is run everywhere", async (_, script) => {
  const { open, fresh, calls, kept } = await place(script);
  const dirs = [await open("1"), await fresh()];
  expect(calls.slice(1).map(({ cwd }) => cwd)).toEqual(dirs);
  await open("2");
  expect(calls).toHaveLength(4);
  expect(kept()).toEqual([]);
});

test("what was made with a worktree's own ports in it is no other's", async () => {
  const { open, calls, kept } = await place(`${makes}; echo "port=$TD_PORT" > node_modules/env`);
  const own = { settings: { ...settings, ports: 2 } };
  const ports: string[] = [];
  for (const loop of ["1", "2"]) {
    ports.push(readFileSync(join(await open(loop, own), "node_modules/env"), "utf8"));
    expect(ports.at(-1)).toBe(`port=${calls.at(-1)?.env["TD_PORT"]}\n`);
  }
  expect(new Set(ports).size).toBe(2);
  expect(kept()).toEqual([]);
});

test.each([
  ["makes more than dependencies", "mkdir -p dist; cp a.txt dist/a.txt", "dist/a.txt", "{}"],
  [
    "runs scripts of the repository",
    "cp a.txt node_modules/client",
    "node_modules/client",
    '{"scripts":{"postinstall":"make client"}}',
  ],
])(
  "a set-up that %s may depend on every file: it is run everywhere",
  async (_, script, made, manifest) => {
    const repository = `${locked}\necho '${manifest}' > package.json; echo dist >> .gitignore; git add -A; git commit -qm more`;
    const { open, fresh, worktrees, request, base, write } = await place(
      `${makes}; ${script}`,
      repository,
    );
    await open("1");
    const loop = loopId("2");
    const workspace = await worktrees.open(request({ settings, loop }), never);
    await write(workspace.dir, "a.txt", "work\n");
    const head = await workspace.snapshot(base, "x\n");
    expect(readFileSync(join(await fresh({ loop, head }), made), "utf8")).toBe("work\n");
  },
);

test("nothing is laid into a directory that a loop has removed", async () => {
  const { open, fresh, calls, worktrees, request, base } = await place(
    "mkdir node_modules; echo > node_modules/x; [ ! -d app ] || cp -r node_modules app/",
  );
  await open("1");
  const loop = loopId("2");
  const workspace = await worktrees.open(request({ settings, loop }), never);
  sh(workspace.dir, "rm -r app");
  const head = await workspace.snapshot(base, "x\n");
  expect(readdirSync(await fresh({ loop, head }))).not.toContain("app");
  expect(calls).toHaveLength(2);
});

test("what a set-up links to elsewhere is not searched", async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), "td-elsewhere-"));
  onTestFinished(() => rm(elsewhere, { recursive: true, force: true }));
  const { open, calls } = await place(
    `echo "$PWD" > ${elsewhere}/large; ln -s ${elsewhere} node_modules; mkdir vendor; echo > vendor/x`,
  );
  for (const loop of ["1", "2"]) {
    expect(lstatSync(join(await open(loop), "node_modules")).isSymbolicLink()).toBe(true);
  }
  expect(calls).toHaveLength(1);
});

test("what a crash left half made goes at the next start, and the whole stays", async () => {
  const { open, kept, home, worktrees } = await place();
  await open("1");
  mkdirSync(join(home, "set-ups", `${"d".repeat(64)}.half`));
  expect(kept()).toHaveLength(2);
  await worktrees.reap(new Set([loopId("1")]));
  expect(kept()).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
});

test("caches of package managers in HOME do not matter", async () => {
  const { open, calls } = await place(
    `${makes}; mkdir -p $HOME/.npm/_cacache; echo > $HOME/.npm/_cacache/x`,
  );
  for (const loop of ["1", "2", "3"]) await open(loop);
  expect(calls).toHaveLength(1);
});

test("beyond its size, what was not used for longest goes", async () => {
  const dir = await mkdtemp(join(tmpdir(), "td-cache-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  sh(
    dir,
    "mkdir cache home; git init -q tree; mkdir tree/vendor; head -c 300000 /dev/zero > tree/vendor/made",
  );
  const cache = new SetUpCache(join(dir, "cache"), 700_000);
  const stage = {
    tree: join(dir, "tree"),
    place: { gitDir: join(dir, "tree/.git"), workTree: join(dir, "tree") },
    home: join(dir, "home"),
    ...{ given: [], port: null },
  };
  const keys = ["a", "b", "c"].map((letter) => letter.repeat(64));
  for (const [n, key] of keys.slice(0, 2).entries()) {
    expect(await cache.keep(key, stage)).toBe(true);
    utimesSync(join(dir, "cache", key), n, n);
  }
  mkdirSync(join(dir, "one"));
  expect(await cache.restore(keys[0] ?? "", join(dir, "one"))).toBe(true);
  expect(await cache.keep(keys[2] ?? "", stage)).toBe(true);
  expect(readdirSync(join(dir, "cache")).sort()).toEqual([keys[0], keys[2]]);
  expect(await cache.restore(keys[1] ?? "", join(dir, "one"))).toBe(false);
});

test("two that keep the same at once keep a whole one", async () => {
  const dir = await mkdtemp(join(tmpdir(), "td-cache-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const names = Array.from({ length: 200 }, (_, n) => `f${n}`);
  sh(dir, "mkdir cache home; git init -q tree; mkdir tree/vendor");
  sh(dir, `cd tree/vendor; touch ${names.join(" ")}`);
  const stage = {
    tree: join(dir, "tree"),
    place: { gitDir: join(dir, "tree/.git"), workTree: join(dir, "tree") },
    home: join(dir, "home"),
    ...{ given: [], port: null },
  };
  const key = "a".repeat(64);
  // Of two configurations of one repository: each has its own.
  const caches = Array.from({ length: 4 }, () => new SetUpCache(join(dir, "cache")));
  const kept = await Promise.all(caches.map((cache) => cache.keep(key, stage)));
  expect(kept).toEqual([true, true, true, true]);
  expect(readdirSync(join(dir, "cache"))).toEqual([key]);
  const [cache] = caches;
  mkdirSync(join(dir, "one"));
  expect(await cache?.restore(key, join(dir, "one"))).toBe(true);
  expect(readdirSync(join(dir, "one/vendor")).sort()).toEqual(names.sort());
});

test.each([
  ["a client that is made of a schema", "mkdir -p node_modules/.prisma/client"],
  [
    "a map of the repository's own classes",
    `mkdir -p vendor/composer; echo "'A' => \\$baseDir . '/src/A.php'," > vendor/composer/autoload_classmap.php`,
  ],
])("%s is not kept by lock files: the command runs for each", async (_, script) => {
  const ignoring = `${locked}; echo vendor/ >> .gitignore; git commit -qam more`;
  const { open, calls, kept } = await place(`${makes}; ${script}`, ignoring);
  await open("1");
  await open("2");
  expect(kept()).toEqual([]);
  expect(calls.length).toBeGreaterThan(2);
});

test("composer's own file is a part of the key, for its autoloader is made of it", async () => {
  const { open, repo, base, calls } = await place(
    "mkdir -p vendor/composer; echo x > vendor/composer/autoload_psr4.php",
    `${plainRepository}; echo vendor/ > .gitignore; echo 1 > composer.lock; echo '{}' > composer.json; git add -A; git commit -qm php`,
  );
  await open("1");
  sh(repo, `echo '{"autoload":{"psr-4":{"A\\\\":"src/"}}}' > composer.json; git commit -qam two`);
  const head = sh(repo, "git rev-parse HEAD").trim();
  expect(head).not.toBe(base);
  await open("2", { base: head, head });
  expect(calls).toHaveLength(2);
});

test("an entry whose mark a power cut left empty is made again", async () => {
  const { open, calls, kept, home } = await place();
  await open("1");
  writeFileSync(join(home, "set-ups", kept()[0] ?? "", "set-up.json"), "");
  expect(version(await open("2"))).toBe("v1");
  expect(calls).toHaveLength(2 + 1);
});
