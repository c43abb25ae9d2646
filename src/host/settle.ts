import { unrecorded } from "../adapters/audit/unrecorded.ts";
import type { LoadedLoopType } from "../adapters/config/loop-types.ts";
import { readParameters } from "../adapters/config/parameters.ts";
import type { DetectedValidation } from "../adapters/config/repository-facts.ts";
import { resolveSettings } from "../adapters/config/resolve-settings.ts";
import { type Repository, resolveCommit, resolveRepository } from "../adapters/git/repository.ts";
import { codeOf, HomeUnusable } from "../adapters/store/errors.ts";
import { assert } from "../core/assert.ts";
import { outputDirectory } from "../core/documents.ts";
import { estimateOfType } from "../core/estimate.ts";
import type { CommitId, LoopSettings } from "../core/loop.ts";
import type { State } from "../core/state.ts";
import { repositoryFacts } from "../engine/repository-facts.ts";
import { type LoopType, type PromptValues, WorktreeError } from "../ports.ts";
import type { RunPlan, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { PlanOptions } from "../protocol/program.ts";
import { detectAt } from "./detect.ts";
import { findGit } from "./git-program.ts";
import { Living } from "./living.ts";
import { noStore } from "./no-store.ts";
import { readState } from "./reader.ts";
import type { Surroundings } from "./surroundings.ts";
import { makeWorld, type RepositoryWorld } from "./world.ts";

const titleCharsMax = 72;

/** A request with all that was open about it decided. */
export interface Settled {
  readonly repository: RepositoryWorld;
  readonly repo: string;
  readonly settings: LoopSettings;
  readonly baseName: string;
}

/** A commit of a repository, and what a request for it needs to know. */
export interface Site {
  readonly repository: RepositoryWorld;
  readonly repo: string;
  readonly baseName: string;
  readonly baseCommit: string;
  readonly detected: DetectedValidation | null;
  /** Where the configured target stands; null where there is no such branch. */
  readonly targetCommit: CommitId | null;
}

/** Looks at what a request names. Refuses no repository, and no such commit. */
export async function visit(
  { euid }: Surroundings,
  worldOf: (repo: string) => Promise<RepositoryWorld>,
  { dir, base }: Pick<RunRequest, "dir" | "base">,
): Promise<Site> {
  await requireGit();
  const found = await resolveRepository(dir, euid === 0 ? 0 : null);
  const baseName = base ?? "HEAD";
  const baseCommit = await resolveCommit(found, baseName);
  const repo = found.root;
  const repository = await worldOf(repo);
  const detected = await detectAt(repository.worktrees, repo, baseCommit);
  const targetCommit = await branchCommit(found, repository.config.config.git.target);
  return { repository, repo, baseName, baseCommit, detected, targetCommit };
}

/** Refuses what names nothing: no such type, no command. */
export function settle(site: Site, request: RunRequest): Settled {
  const { repository, repo, baseName, baseCommit, detected, targetCommit } = site;
  const { config, loopTypes } = repository;
  const type = loopTypes.get(request.type);
  if (type === null) {
    const known = loopTypes.list().map(({ name }) => name);
    const message = `there is no loop type ${request.type} (there is ${known.join(", ")})`;
    throw new UserError(exitCodes.notFound, message);
  }
  const resolved = resolveSettings({
    config: config.config,
    type: type.definition,
    options: {
      validate: request.validate ?? undefined,
      maxIterations: request.iterationsMax ?? undefined,
      model: request.model ?? undefined,
      budgetUsd: request.budgetUsd ?? undefined,
      deliver: request.deliver ?? undefined,
    },
    baseCommit,
    detected,
    targetCommit,
  });
  if (!resolved.ok) throw new UserError(exitCodes.usage, resolved.reason);
  const { settings } = resolved;
  refuseDelivery(settings, config.config.git.target);
  const parameters = parametersOf(request, type);
  return { repository, repo, settings: { ...settings, ...parameters }, baseName };
}

function refuseDelivery({ deliver, target }: LoopSettings, wanted: string): void {
  if ((deliver !== "merge" && deliver !== "pr") || target !== undefined) return;
  const message = `--deliver ${deliver} is for the branch ${wanted}, and there is none: name another as git.target in taskdaemon.yml`;
  throw new UserError(exitCodes.usage, message);
}

async function branchCommit(repository: Repository, branch: string): Promise<CommitId | null> {
  return resolveCommit(repository, `refs/heads/${branch}`).catch((error: unknown) => {
    if (error instanceof WorktreeError) return null;
    throw error;
  });
}

function parametersOf(
  { type, parameters: given = {} }: RunRequest,
  { definition }: LoadedLoopType,
): Pick<LoopSettings, "parameters"> {
  const read = readParameters(type, definition.parameters ?? {}, given);
  if (!read.ok) throw new UserError(exitCodes.usage, read.reason);
  return Object.keys(read.values).length === 0 ? {} : { parameters: read.values };
}

/** Refuses, before anything is written, what could only fail later. */
export function refuseWhatWillFail({ repository, settings }: Settled): void {
  const { sandbox, world } = repository;
  const model = world.models.resolve(settings.model);
  if (settings.escalation !== null) world.models.resolve(settings.escalation);
  if (settings.sandbox.level === "required" && sandbox.probe.problem !== null) {
    throw new UserError(exitCodes.person, sandbox.probe.problem);
  }
  const { budgetUsd, planBudgetUsd } = settings;
  const limits = [budgetUsd, planBudgetUsd, repository.dayUsd()];
  if (limits.some((usd) => usd !== null) && model.price === null) {
    const message = `nobody knows the price of ${settings.model}, so a money limit cannot hold: set llm.prices in the user-level taskdaemon.yml, or lift the limit`;
    throw new UserError(exitCodes.invalid, message);
  }
}

/** What `run` would do. Without a state, nothing is known of what such loops come to. */
export async function planOf(
  settled: Settled,
  request: RunRequest,
  state: State | null,
): Promise<RunPlan> {
  const { repository, repo, settings, baseName } = settled;
  const { world, sandbox, worktrees, loopTypes } = repository;
  const type = loopTypes.get(request.type);
  assert(type !== null, "settle() knows the type");
  const { baseCommit } = settings;
  const { redact } = world;
  const view = { worktrees, redact, repo, base: baseCommit, head: baseCommit };
  const found = await repositoryFacts(view, type.needs);
  const values = {
    ...firstPrompt(request, settings, type),
    repository: found,
    param: settings.parameters ?? {},
  };
  const { links, copies, notes, problems } = await worktrees.describeSetup(repo);
  const { setup } = settings.worktree;
  const { gate, model } = settings;
  return {
    repo,
    baseCommit: settings.baseCommit,
    baseName,
    model,
    priceKnown: world.models.resolve(model).price !== null,
    validation: { command: gate.command, detectedFrom: gate.detectedFrom },
    sandbox: settings.sandbox.level === "off" ? "off" : sandbox.probe.level,
    deliver: settings.deliver,
    iterationsMax: settings.iterationsMax,
    budgetUsd: settings.budgetUsd,
    worktree: [
      ...links.map((path) => `links ${path}`),
      ...copies.map((path) => `copies ${path}`),
      ...(setup === null ? problems : [`sets up by: ${setup}`]),
      ...notes,
    ],
    estimate: state === null ? unknown : estimateOfType(state, { repo, type: request.type }),
    prompt: { system: type.renderSystem(values), text: type.renderPrompt(values) },
  };
}

const unknown = { loops: null, costUsd: null } as const;

/**
 * The plan of a request where no daemon serves the home: looks as one would, refuses what one
 * would refuse, starts nothing and writes nothing to the log.
 */
export async function planAlone(
  around: Surroundings,
  home: string,
  request: RunRequest,
  { withHistory }: PlanOptions,
): Promise<RunPlan> {
  const made: RepositoryWorld[] = [];
  const worldOf = async (repo: string) => {
    const quiet = { store: noStore, audit: () => unrecorded, watch: () => undefined };
    const living = new Living(around, home, repo);
    const world = await makeWorld({ around, home, living, ...quiet }).catch((error: unknown) => {
      throw unusableHome(home, error) ?? error;
    });
    made.push(world);
    return world;
  };
  try {
    const settled = settle(await visit(around, worldOf, request), request);
    refuseWhatWillFail(settled);
    const state = withHistory ? await readState(home) : null;
    return await planOf(settled, request, state);
  } finally {
    for (const world of made) await world.close();
  }
}

/** A daemon could not have it either, and would say so. */
function unusableHome(home: string, error: unknown): HomeUnusable | null {
  const code = codeOf(error) ?? "";
  return ["EROFS", "EACCES", "ENOTDIR", "EPERM"].includes(code)
    ? new HomeUnusable(home, error)
    : null;
}

export async function requireGit(): Promise<void> {
  const git = await findGit();
  if ("problem" in git) throw new UserError(exitCodes.person, `${git.problem}: ${git.remedy}`);
}

/** The first line of the task, as much as fits. */
export function titleOf(task: string): string {
  const line = task.trim().split("\n", 1)[0] ?? "";
  const letters = [...line];
  return letters.length <= titleCharsMax
    ? line
    : `${letters.slice(0, titleCharsMax - 1).join("")}…`;
}

function firstPrompt(
  { type, task }: RunRequest,
  { gate, iterationsMax, turnsMax, sandbox }: LoopSettings,
  { tools, begets }: LoopType,
): PromptValues {
  return {
    id: "0",
    type,
    title: titleOf(task),
    brief: task,
    iteration: 1,
    "iterations-max": iterationsMax,
    "turns-max": turnsMax,
    "validation-command": gate.command,
    baseline: "",
    progress: "",
    git: "",
    interrupted: "",
    answers: "",
    messages: "",
    protected: gate.protect,
    tools,
    "network-allow": sandbox.networkAllow,
    "output-dir": begets === null ? "" : outputDirectory,
    pass: begets === null ? 0 : 1,
    passes: begets?.passes.length ?? 0,
    focus: begets?.passes[0]?.focus ?? "",
  };
}
