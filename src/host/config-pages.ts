import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { readSources } from "../adapters/config/config-files.ts";
import { ConfigHistory, type ConfigVersion } from "../adapters/config/history.ts";
import { migrated, newestVersion, versionOf } from "../adapters/config/migrate.ts";
import { ConfigError } from "../adapters/config/problem.ts";
import { readText } from "../adapters/config/read-text.ts";
import { isTree } from "../adapters/config/tree.ts";
import { editYaml, readYaml } from "../adapters/config/yaml-document.ts";
import { resolveRepository } from "../adapters/git/repository.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { ConfigVersionView, FileEdit, Place, RewriteView } from "../protocol/program.ts";
import { timeOf } from "../views/loop-view.ts";
import { systemClock } from "./clock.ts";
import { placesOf } from "./living.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig } from "./world.ts";

/** What is configured here was, version by version, the newest last. */
export async function configHistory({ home, dir }: Place): Promise<readonly ConfigVersionView[]> {
  const { root } = await resolveRepository(dir, null);
  const versions = await new ConfigHistory(home).list(root);
  return versions.map((version, index) => {
    const { id, at, good, files, types } = version;
    return { id, at, good, files, types, changed: changesSince(versions[index - 1], version) };
  });
}

function changesSince(before: ConfigVersion | undefined, after: ConfigVersion): readonly string[] {
  const was = new Map((before?.files ?? []).map(({ file, hash }) => [file, hash]));
  const is = new Map(after.files.map(({ file, hash }) => [file, hash]));
  const gone = [...was.keys()].filter((file) => !is.has(file)).map((file) => `- ${file}`);
  const rest = [...is].flatMap(([file, hash]) => {
    if (!was.has(file)) return [`+ ${file}`];
    return was.get(file) === hash ? [] : [`~ ${file}`];
  });
  return [...gone, ...rest];
}

/** What would bring a version back. What is there now becomes a version first. */
export async function planRollback(
  around: Surroundings,
  { home, dir }: Place,
  id: string,
): Promise<RewriteView> {
  const { root } = await resolveRepository(dir, null);
  const history = new ConfigHistory(home);
  const versions = await history.list(root);
  const found = versions.filter((version) => id !== "" && version.id.startsWith(id));
  const version = found.at(-1);
  if (version === undefined || new Set(found.map((each) => each.id)).size > 1) {
    const known = versions.slice(-5).map((each) => each.id);
    const hint = known.length === 0 ? "there are none yet" : `the newest are ${known.join(", ")}`;
    throw new UserError(
      exitCodes.notFound,
      `there is no version ${id} (${hint}; td config history)`,
    );
  }
  const sources = await readSources(placesOf(around, home, root, pathsOf(around, home, root)));
  const about = { repo: root, good: false, types: {}, at: timeOf(systemClock.now()) };
  await history.record({ ...about, sources });
  const edits: FileEdit[] = [];
  for (const { file, hash } of version.files) {
    const text = await history.text(hash);
    if (sources.find((source) => source.file === file)?.text !== text) edits.push({ file, text });
  }
  const wanted = new Set(version.files.map(({ file }) => file));
  const extra = sources.filter(({ file }) => !wanted.has(file));
  return { edits: [...edits, ...extra.map(({ file }) => ({ file, text: null }))] };
}

/** Directories of types that the configuration names, as far as it can be read. */
function pathsOf(around: Surroundings, home: string, root: string): readonly string[] {
  try {
    return loadRepositoryConfig(around, home, root).config.loops.paths;
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

/** The files that are of an older format, as they would be in the newest. */
export async function planMigration(
  around: Surroundings,
  { home, dir }: Place,
): Promise<RewriteView> {
  const root = await resolveRepository(dir, null).then(
    (repository) => repository.root,
    () => null,
  );
  const { files } = placesOf(around, home, root, []);
  const edits = files.flatMap((file) => {
    const text = readText(file);
    const fresh = text === null ? null : migratedText(file, text);
    return fresh === null ? [] : [{ file, text: fresh }];
  });
  return { edits };
}

/** Null where there is nothing to do. Throws ConfigError where it is no YAML. */
function migratedText(file: string, text: string): string | null {
  const { value, problems } = readYaml(file, text);
  if (problems.length > 0) throw new ConfigError(problems);
  if (!isTree(value) || (versionOf(value) ?? newestVersion) >= newestVersion) return null;
  return editYaml(text, migrated(value).edits, { name: "version", value: newestVersion });
}

/** Each file whole or not at all. */
export async function rewriteFiles({ edits }: RewriteView): Promise<void> {
  for (const { file, text } of edits) {
    if (text === null) await rm(file, { force: true });
    else await rewrite(file, text);
  }
}

const privateMode = 0o600;

async function rewrite(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const mode = await stat(file).then(
    (stats) => stats.mode & 0o777,
    () => privateMode,
  );
  const part = `${file}.td-part`;
  await writeFile(part, text, { mode });
  await rename(part, file);
}
