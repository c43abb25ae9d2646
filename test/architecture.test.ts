import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

/**
 * The floors of the house: what each folder of src/ may import besides itself. `type core` allows
 * `import type` only: clients speak of the core's values and hold none of its rules.
 */
const floors: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ["core"],
  "package-root": ["node:"],
  views: ["core"],
  protocol: ["core", "type ports", "type views", "npm:"],
  tools: ["core", "ports"],
  engine: ["core", "ports", "tools"],
  adapters: ["core", "ports", "package-root", "node:", "npm:"],
  "mock-llm": ["node:", "npm:"],
  client: ["protocol", "type ports", "type views", "node:", "npm:"],
  server: ["protocol", "core", "type ports", "type views", "node:", "npm:"],
  cli: ["protocol", "views", "type core", "type ports", "node:", "npm:"],
  tui: ["cli", "protocol", "views", "type core", "type ports", "node:", "npm:"],
  host: [
    ...["core", "ports", "views", "protocol", "tools", "engine", "adapters"],
    ...["server", "client", "mock-llm", "package-root", "node:"],
  ],
  main: [
    "package-root",
    "host",
    "cli",
    "tui",
    "core",
    "ports",
    "views",
    "protocol",
    "engine",
    "adapters",
    "node:",
  ],
};

/** Where an npm package is used besides the one file that every package has. */
const usedTwice: Readonly<Record<string, readonly string[]>> = {
  // One schema library: for the configuration, the mock's scenarios, and the daemon's door.
  zod: [
    "adapters/config/fields.ts",
    "adapters/config/loop-type-schema.ts",
    "adapters/config/schema.ts",
    "adapters/config/type-test.ts",
    "mock-llm/scenario.ts",
    "protocol/schemas.ts",
  ],
  // Both ends of the live feed.
  ws: ["client/board.ts", "client/follow.ts", "server/feed.ts"],
  yaml: ["adapters/config/yaml-document.ts", "mock-llm/scenario-text.ts"],
};

/** What an adapter may ask of its own process; the rest (env, argv, cwd, exit) is main.ts's. */
const ofProcess = ["arch", "geteuid", "kill", "memoryUsage", "pid", "version"];
/** Takes back the signals that a library took: for that one needs the whole of it. */
const signalsBack = ["adapters/sandbox/network.ts", "ownProcess"];

/** What would let time and chance in unseen. */
const unseeded =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\brandomUUID\b|\bset(?:Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b|\bperformance\.now\b|\bprocess\./;
const asynchronous = /\basync (?:function|\(|\w+\()|\bawait \w|\bPromise\b/;

const linesMax = 400;

const src = join(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .sort();

interface Import {
  /** `core`, `node:`, `npm:` …, with `type ` before it when only types come. */
  readonly floor: string;
  readonly specifier: string;
  readonly names: string;
  readonly isLazy: boolean;
}

test("every folder has its floor", () => {
  expect(files.filter((path) => !(floorOf(path) in floors))).toEqual([]);
});

test.each(files)("%s keeps to its floor", (path) => {
  const own = floorOf(path);
  const allowed = new Set([own, ...(floors[own] ?? [])]);
  const strange = importsOf(path).filter(
    ({ floor }) => !allowed.has(floor) && !allowed.has(floor.replace(/^type /, "")),
  );
  expect(strange.map(({ specifier }) => specifier)).toEqual([]);
});

test.each(on("core", "views", "engine", "tools"))("%s takes time and chance as given", (path) => {
  expect(codeOf(path).match(unseeded)).toBeNull();
});

test.each(on("core", "views"))("%s is synchronous", (path) => {
  expect(codeOf(path).match(asynchronous)).toBeNull();
});

test.each(files.filter((path) => path !== "main.ts"))("%s leaves process to main.ts", (path) => {
  const names = importsOf(path)
    .filter(({ specifier }) => specifier === "node:process")
    .flatMap((each) => each.names.replace(/[{}]/g, "").split(","))
    .map((name) => name.trim());
  const isAdapter = ["adapters", "host"].includes(floorOf(path));
  const allowed = path === signalsBack[0] ? [...ofProcess, signalsBack[1]] : ofProcess;
  expect(names.filter((name) => !isAdapter || !allowed.includes(name))).toEqual([]);
  expect(codeOf(path).match(/(?<![\w.\\/`"'-])process\.\w+/)).toBeNull();
});

test("every npm package is reached from one file", () => {
  const users = new Map<string, string[]>();
  for (const path of files) {
    for (const { floor, specifier } of importsOf(path)) {
      if (floor === "npm:") users.set(specifier, [...(users.get(specifier) ?? []), path]);
    }
  }
  const shared = [...users].filter(([, paths]) => paths.length > 1);
  expect(Object.fromEntries(shared)).toEqual(usedTwice);
});

test("a command that asks the daemon loads its grammar, and no library else", () => {
  // Each costs as long as node takes to start; of node:http it is the import (client/http.ts).
  const asked = closureOf("main.ts", "cli/daemon.ts", "host/control.ts").flatMap((path) =>
    importsOf(path).filter(({ floor, isLazy }) => !floor.startsWith("type ") && !isLazy),
  );
  const costly = asked
    .map(({ specifier }) => specifier)
    .filter((name) => !name.startsWith(".") && (!name.startsWith("node:") || name === "node:http"));
  expect(new Set(costly)).toEqual(new Set(["@commander-js/extra-typings"]));
});

/** These files and all that they import at once. */
function closureOf(...paths: readonly string[]): string[] {
  const found = new Set(paths);
  for (const path of found) {
    for (const { floor, specifier, isLazy } of importsOf(path)) {
      const isLoaded = specifier.startsWith(".") && !isLazy && !floor.startsWith("type ");
      if (isLoaded) found.add(join(dirname(path), specifier));
    }
  }
  return [...found];
}

const page = join(import.meta.dirname, "../web");
const pageFiles = readdirSync(page, { recursive: true, encoding: "utf8" }).filter(
  (path) => /\.tsx?$/.test(path) && !path.endsWith(".config.ts"),
);
/** What the browser gets of src/: views for their rules of drawing, the rest as types alone. */
const ofPage = /^(?:\.\.\/)+src\/(?:views|(type )(?:protocol|views|ports\.ts))/;
const pageLibraries = ["@dagrejs/dagre", "react", "react-dom/client"];

test.each(pageFiles)("web/%s draws views and asks routes", (path) => {
  const text = readFileSync(join(page, path), "utf8");
  const imports = [...text.matchAll(/^import (type )?[^;]*?"([^"]+)"/gm)];
  const strange = imports.filter(([, type = "", specifier = ""]) => {
    if (!specifier.startsWith(".")) return !pageLibraries.includes(specifier);
    return specifier.includes("/src/") && !ofPage.test(specifier.replace("src/", `src/${type}`));
  });
  expect(strange.map(([whole]) => whole)).toEqual([]);
});

test(`no file is longer than ${linesMax} lines`, () => {
  const long = files.filter((path) => textOf(path).split("\n").length - 1 > linesMax);
  expect(long).toEqual([]);
});

function on(...names: readonly string[]): string[] {
  return files.filter((path) => names.includes(floorOf(path)));
}

function importsOf(path: string): Import[] {
  const text = codeOf(path).replace(/`[^`]*`/g, "``");
  const from = /^(?:import|export)\s+(type\s)?([^;"`]*?)\sfrom "([^"]+)"/gm;
  const statics = [...text.matchAll(from)].map(([, type, names = "", specifier = ""]) => {
    const kind = floorOfImport(path, specifier);
    return { floor: type === undefined ? kind : `type ${kind}`, specifier, names, isLazy: false };
  });
  const others = [...text.matchAll(/\bimport\("([^"]+)"\)|^import "([^"]+)"/gm)];
  const dynamics = others.map(([, lazy, bare]) => {
    const specifier = lazy ?? bare ?? "";
    return {
      floor: floorOfImport(path, specifier),
      specifier,
      names: "",
      isLazy: lazy !== undefined,
    };
  });
  return [...statics, ...dynamics];
}

function floorOfImport(path: string, specifier: string): string {
  if (specifier.startsWith("node:")) return "node:";
  if (!specifier.startsWith(".")) return "npm:";
  return floorOf(relative(src, join(src, dirname(path), specifier)));
}

function textOf(path: string): string {
  return readFileSync(join(src, path), "utf8");
}

/** The text without its comments. */
function codeOf(path: string): string {
  return textOf(path)
    .replace(/\/\*\*[\s\S]*?\*\//g, "")
    .replace(/(?:^|\s)\/\/ .*$/gm, "");
}

function floorOf(path: string): string {
  return path.split("/")[0]?.replace(/\.ts$/, "") ?? path;
}
