import { Buffer } from "node:buffer";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDocuments } from "../../src/adapters/documents.ts";
import { createSandbox, type SrtSandbox } from "../../src/adapters/sandbox/sandbox.ts";
import type { OutputDirectory } from "../../src/ports/documents.ts";
import { isRoot, optionsFor, requestFor, type Stage, setStage } from "./sandbox/stage.ts";

const base = mkdtempSync(join(tmpdir(), "td documents "));
let worktree: string;
let output: OutputDirectory;
let count = 0;

afterAll(() => rmSync(base, { recursive: true, force: true }));

beforeEach(async () => {
  count += 1;
  worktree = join(base, `worktree ${count}`);
  mkdirSync(worktree);
  output = await open(worktree);
});

function open(dir: string): Promise<OutputDirectory> {
  return createDocuments(null).open({ dir, writable: [dir], readable: [], env: {} });
}

/** What is told of each file: its text, or its problem. */
async function told(): Promise<Record<string, string | null>> {
  const files = await output.read();
  return Object.fromEntries(files.map(({ path, text, problem }) => [path, problem ?? text]));
}

test("what was written is read again, and nothing else stays", async () => {
  await output.write([
    { path: "plan.md", text: "plan" },
    { path: "specs/01-a.md", text: "\uFEFFa\r\n" },
  ]);
  expect(await told()).toEqual({ "plan.md": "plan", "specs/01-a.md": "\uFEFFa\r\n" });
  await output.write([{ path: "plan.md", text: "other" }]);
  expect(await told()).toEqual({ "plan.md": "other" });
});

test("no link is followed, whatever it leads to", async () => {
  writeFileSync(join(base, "secret"), "secret");
  symlinkSync(join(base, "secret"), join(output.dir, "plan.md"));
  symlinkSync(base, join(output.dir, "specs"));
  symlinkSync("nowhere", join(output.dir, "broken.md"));
  const link = "this is a link, and no link is followed";
  expect(await told()).toEqual({ "plan.md": link, specs: link, "broken.md": link });
  await output.write([{ path: "specs/01-a.md", text: "a" }]);
  expect(await told()).toEqual({ "specs/01-a.md": "a" });
  expect(readFileSync(join(base, "secret"), "utf8")).toBe("secret");
});

test("a link in place of the directory itself is taken away", async () => {
  rmSync(output.dir, { recursive: true });
  symlinkSync(base, output.dir);
  const again = await open(worktree);
  expect(await again.read()).toEqual([]);
  expect(existsSync(join(base, "secret"))).toBe(true);
});

test("what is no text, too much, or no file is a problem and nothing waits for it", async () => {
  writeFileSync(join(output.dir, "binary.md"), Buffer.from([0x7f, 0x45, 0x00, 0x01]));
  writeFileSync(join(output.dir, "latin.md"), Buffer.from([0x66, 0xfc, 0x72]));
  writeFileSync(join(output.dir, "large.md"), "x".repeat(5_000_000));
  mkdirSync(join(output.dir, "a/b/c/d"), { recursive: true });
  spawnSync("sh", ["-c", "mkfifo pipe.md"], { cwd: output.dir });
  expect(await told()).toEqual({
    "binary.md": "this is no text in UTF-8",
    "latin.md": "this is no text in UTF-8",
    "large.md": "this file has 5000000 bytes, a document at most 262144",
    "a/b/c": "this directory is too deep",
    "pipe.md": "this is no regular file",
  });
});

test("all documents together are bounded, and so is their number", async () => {
  for (let n = 0; n < 5; n += 1) {
    writeFileSync(join(output.dir, `${n}.md`), "x".repeat(250_000));
  }
  expect((await told())["4.md"]).toBe("all documents together have more than 1048576 bytes");
  for (let n = 0; n < 1_000; n += 1) linkSync(join(output.dir, "0.md"), join(output.dir, `l${n}`));
  expect((await output.read()).length).toBeLessThanOrEqual(240);
});

test("names that are no text, or more than a line, are read as they can be", async () => {
  writeFileSync(Buffer.concat([Buffer.from(`${output.dir}/`), Buffer.from([0xff, 0x2e])]), "x");
  writeFileSync(join(output.dir, "a\nb\u202E.md"), "x");
  expect(Object.values(await told()).sort()).toEqual(["this file cannot be opened", "x"]);
});

test("a directory whose name is no text is a problem of its own", async () => {
  const name = Buffer.concat([Buffer.from(`${output.dir}/`), Buffer.from([0xff])]);
  mkdirSync(name);
  writeFileSync(Buffer.concat([name, Buffer.from("/a.md")]), "x");
  writeFileSync(join(output.dir, "plan.md"), "plan");
  expect(await told()).toEqual({
    "plan.md": "plan",
    "\uFFFD": "this directory cannot be opened",
  });
});

test("a directory that turns into a link while it is read leads nowhere", async () => {
  const outside = join(base, "outside");
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, "a.md"), "secret");
  mkdirSync(join(output.dir, "x"));
  writeFileSync(join(output.dir, "x/a.md"), "own");
  symlinkSync(outside, join(worktree, "link"));
  const swap = `const { renameSync: move } = require("fs");
    for (;;) { move(".td-out/x", "own"); move("link", ".td-out/x"); move(".td-out/x", "link"); move("own", ".td-out/x"); }`;
  const swapping = spawn(process.execPath, ["-e", swap], { cwd: worktree, stdio: "ignore" });
  const seen: (string | null)[] = [];
  try {
    for (let look = 0; look < 2_000; look += 1) seen.push((await told())["x/a.md"] ?? null);
  } finally {
    swapping.kill("SIGKILL");
    await once(swapping, "exit");
  }
  expect(new Set(seen)).toContain("own");
  expect(new Set(seen)).not.toContain("secret");
});

test("an output directory that a command took away holds nothing", async () => {
  rmSync(output.dir, { recursive: true });
  expect(await told()).toEqual({});
  symlinkSync(base, output.dir);
  expect(await told()).toEqual({});
});

let stage: Stage;
let sandbox: SrtSandbox;

beforeAll(async () => {
  stage = setStage();
  sandbox = await createSandbox(optionsFor(stage));
});

afterAll(async () => {
  await sandbox.close();
  stage.remove();
});

test("a real command of a document loop writes there and nowhere else", async () => {
  const dir = stage.own;
  const documents = createDocuments(isRoot ? 65534 : null);
  const { dir: out } = await documents.open({ dir, writable: [], readable: [], env: {} });
  const command = [
    "echo one > .td-out/plan.md && mkdir .td-out/specs && echo two > .td-out/specs/01-a.md",
    "echo no > code.txt",
    "echo no > new.txt",
    "mv .td-out elsewhere",
    "rm -r .td-out",
    "ln -s /etc .td-out/../link",
    "ln code.txt .td-out/hard.md",
    'cat code.txt; echo temp > "$TMPDIR/t" && cat "$TMPDIR/t"; echo home > "$HOME/h" && cat "$HOME/h"',
  ].join("\n");
  const request = requestFor(stage, command, { writable: [out], readable: [dir] });
  const { output: said } = await sandbox.run(request, new AbortController().signal);
  expect(said).toContain("code\n");
  expect(said).toContain("temp\nhome");
  expect(readFileSync(join(dir, "code.txt"), "utf8")).toBe("code\n");
  expect(readdirSync(dir).sort()).toEqual([".td-out", "code.txt"]);
  expect(existsSync(join(out, "hard.md"))).toBe(false);
}, 30_000);
