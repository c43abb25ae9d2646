import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { explainLoopType } from "../adapters/config/explain-loop-type.ts";
import { initFile } from "../adapters/config/init-file.ts";
import type { LoadedLoopTypes } from "../adapters/config/loop-types.ts";
import { readText } from "../adapters/config/read-text.ts";
import { configJsonSchema as jsonSchema } from "../adapters/config/schema.ts";
import { showConfig } from "../adapters/config/show-config.ts";
import { fromBytes, tryGit } from "../adapters/git/git.ts";
import { type Repository, resolveRepository } from "../adapters/git/repository.ts";
import { WorktreeError } from "../ports.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type {
  ConfigView,
  InitView,
  Place,
  TypeExplanation,
  TypeSummary,
} from "../protocol/program.ts";
import { detectIn } from "./doctor.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig, loadRepositoryTypes } from "./world.ts";

export async function describeInit(around: Surroundings, { home, dir }: Place): Promise<InitView> {
  const repository = await resolveRepository(dir, null);
  const file = join(repository.root, "taskdaemon.yml");
  const detected = await detectIn(around, home, dir);
  const text = initFile({ detected, target: await branchOf(repository) });
  return { file, text, exists: existsSync(file), detected: detected?.command ?? null };
}

export async function writeInit({ file, text }: InitView): Promise<void> {
  await writeFile(file, text, { flag: "wx" });
}

export async function viewConfig(around: Surroundings, { home, dir }: Place): Promise<ConfigView> {
  const repo = await rootOf(dir);
  const { config, origins, warnings } = loadRepositoryConfig(around, home, repo);
  loadRepositoryTypes(around, home, repo, config);
  const text = showConfig(config, origins, "yaml");
  return { text, json: JSON.parse(showConfig(config, origins, "json")), warnings };
}

export function configJsonSchema(): unknown {
  return jsonSchema();
}

export async function listTypes(
  around: Surroundings,
  place: Place,
): Promise<readonly TypeSummary[]> {
  const types = await load(around, place);
  return types.list().map(({ name, description, origin }) => ({ name, description, origin }));
}

export async function explainType(
  around: Surroundings,
  place: Place,
  name: string,
): Promise<TypeExplanation & { readonly text: string }> {
  const types = await load(around, place);
  const explained = explainLoopType(types, name);
  const file = types.get(name)?.file;
  if (explained === null || file === undefined) {
    const known = types.list().map((type) => type.name);
    const message = `there is no loop type ${name} (there is ${known.join(", ")})`;
    throw new UserError(exitCodes.notFound, message);
  }
  return { ...explained, text: readText(file) ?? "" };
}

async function load(around: Surroundings, { home, dir }: Place): Promise<LoadedLoopTypes> {
  const repo = await rootOf(dir);
  const { config } = loadRepositoryConfig(around, home, repo);
  return loadRepositoryTypes(around, home, repo, config);
}

/** Null outside of a repository: then the user's own configuration is all there is. */
async function rootOf(dir: string): Promise<string | null> {
  try {
    return (await resolveRepository(dir, null)).root;
  } catch (error) {
    if (error instanceof WorktreeError) return null;
    throw error;
  }
}

/** The branch that is checked out; null on a detached HEAD. */
async function branchOf({ gitDir }: Repository): Promise<string | null> {
  const { exitCode, stdout } = await tryGit({ gitDir }, ["symbolic-ref", "--short", "-q", "HEAD"]);
  return exitCode === 0 ? fromBytes(stdout).trim() : null;
}
