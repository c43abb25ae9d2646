import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSources, signatureOf } from "../../../src/adapters/config/config-files.ts";
import { ConfigHistory } from "../../../src/adapters/config/history.ts";
import { migrated } from "../../../src/adapters/config/migrate.ts";
import { editYaml, readYaml } from "../../../src/adapters/config/yaml-document.ts";
import { given, load, loaded } from "./bench.ts";

const old = `# mine
llm: # models
  providers:
    local: { kind: openai-compatible } # at home
`;

test("a file of an older format is read as the newest, and a warning says how to rewrite it", () => {
  const { config, warnings } = loaded({ user: old });
  expect(config.llm.providers["local"]?.kind).toBe("openai");
  expect(warnings).toEqual([
    expect.stringMatching(/user\.yml is of an older format: td config migrate/),
  ]);
  expect(loaded({ user: `version: 1\n${old.replace("-compatible", "")}` }).warnings).toEqual([]);
  expect(load({ user: `version: 1\n${old}` })).toContain(
    'expected one of anthropic, openai, not "openai-',
  );
});

test.each(["2", "1.5", "-1", "one", "null"])("version %s is refused with its place", (version) => {
  const told = load({ user: `llm: {}\nversion: ${version}\n` });
  expect(told).toBe(
    "user.yml:2:10: version: this program reads files up to version 1 — a newer TaskDaemon may read it",
  );
});

test("a migration keeps comments, and says nothing twice", () => {
  const { edits } = migrated(readYaml("f", old).value as never);
  const text = editYaml(old, edits, { name: "version", value: 1 });
  expect(text).toContain("kind: openai }");
  for (const comment of ["# mine", "# models", "# at home"]) expect(text).toContain(comment);
  expect(loaded({ user: text }).warnings).toEqual([]);
  const { value } = readYaml("f", text);
  expect(value).toMatchObject({ version: 1 });
  expect(migrated(value as never).edits).toEqual([]);
});

test("migrations follow each other: what one has renamed, the next one finds", () => {
  const steps = [
    { to: 1, edits: () => [{ path: ["a", "b"], name: "c" }] },
    { to: 2, edits: () => [{ path: ["a", "c"], value: 3 }] },
    { to: 3, edits: () => [{ path: ["x"], name: null }] },
  ];
  const text = "# top\na:\n  b: 1 # kept\nx: 1\n";
  const { tree, edits } = migrated(readYaml("f", text).value as never, steps);
  expect(tree).toEqual({ a: { c: 3 } });
  expect(readYaml("f", editYaml(text, edits, { name: "version", value: 3 })).value).toEqual({
    version: 3,
    a: { c: 3 },
  });
  expect(editYaml(text, edits, { name: "version", value: 3 })).toContain("# kept");
  expect(migrated({ version: 2, x: 1 }, steps).tree).toEqual({ version: 2 });
});

const at = "2026-01-01T00:00:00.000Z";
const one = { repo: "/r", good: true, types: { ralph: "v1" }, at };

test("the history keeps each change once, with what was in the files", async () => {
  const history = new ConfigHistory(given({}));
  const first = await history.record({ ...one, sources: [{ file: "/a", text: "1" }] });
  await history.record({ ...one, sources: [{ file: "/a", text: "1" }] });
  await history.record({ ...one, sources: [{ file: "/a", text: "2" }] });
  await history.record({ ...one, repo: "/other", sources: [] });
  await history.record({ ...one, sources: [{ file: "/a", text: "1" }] });
  const versions = await history.list("/r");
  expect(versions.map(({ id }) => id)).toEqual([first.id, versions[1]?.id, first.id]);
  expect(await history.text(versions[1]?.files[0]?.hash ?? "")).toBe("2");
});

test("a line that a crash has torn is passed over", async () => {
  const home = given({ "config/versions.jsonl": '{"id":"x","repo":"/r"}\n{"id":' });
  expect(await new ConfigHistory(home).list("/r")).toEqual([{ id: "x", repo: "/r" }]);
});

test("the history has a bound, and forgets the files that only old versions had", async () => {
  const lines = Array.from({ length: 600 }, (_, n) => {
    const files = [{ file: "/a", hash: n === 0 ? "oldest" : `h${n}` }];
    return `${JSON.stringify({ id: `v${n}`, ...one, files })}\n`;
  });
  const home = given({ "config/versions.jsonl": lines.join(""), "config/files/oldest": "x" });
  const history = new ConfigHistory(home);
  await history.record({ ...one, sources: [{ file: "/a", text: "new" }] });
  const versions = await history.list("/r");
  expect([versions.length, versions[0]?.id]).toEqual([500, "v101"]);
  await expect(history.text("oldest")).rejects.toThrow("ENOENT");
  expect(await history.text(versions.at(-1)?.files[0]?.hash ?? "")).toBe("new");
});

test("the signature changes with every file that counts, and with no other", async () => {
  const place = given({ "t.yml": "a", "loops/m.yml": "b", "loops/partials/p.hbs": "c" });
  const places = { files: [join(place, "t.yml")], directories: [join(place, "loops")] };
  const seen = new Set<string>();
  const look = async () => seen.add(await signatureOf(places)).size;
  expect(await look()).toBe(1);
  writeFileSync(join(place, "loops/notes.txt"), "x");
  expect(await look()).toBe(1);
  writeFileSync(join(place, "loops/partials/p.hbs"), "other");
  expect(await look()).toBe(2);
  writeFileSync(join(place, "loops/n.yml"), "new");
  expect(await look()).toBe(3);
  rmSync(join(place, "t.yml"));
  expect(await look()).toBe(4);
  expect((await readSources(places)).map(({ text }) => text)).toEqual(["b", "new", "other"]);
  expect(await signatureOf({ files: [], directories: [join(place, "nowhere")] })).toHaveLength(64);
});
