import { join } from "node:path";
import { type LoadedConfig, loadConfig, userConfigFiles } from "../adapters/config/load-config.ts";
import {
  type LoadedLoopType,
  type LoadedLoopTypes,
  loadLoopTypes,
  loopTypeDirectories,
} from "../adapters/config/loop-types.ts";
import { modelSettings } from "../adapters/config/model-settings.ts";
import { limitsOf } from "../adapters/config/resolve-settings.ts";
import type { Config } from "../adapters/config/schema.ts";
import { createDocuments } from "../adapters/documents.ts";
import { HttpFetcher } from "../adapters/fetcher.ts";
import { checkoutFiles } from "../adapters/files/checkout.ts";
import { createFileSystem } from "../adapters/files/file-system.ts";
import { gitTargets } from "../adapters/git/targets.ts";
import { createWorktrees, type GitWorktrees } from "../adapters/git/worktrees.ts";
import { type ConfiguredHook, createHooks } from "../adapters/hooks.ts";
import { createModels } from "../adapters/llm/models.ts";
import {
  createToolServers,
  type ToolServersOptions,
  valuesOfServers,
} from "../adapters/mcp/tool-servers.ts";
import { searchPath } from "../adapters/sandbox/environment.ts";
import { createSandbox, type SrtSandbox } from "../adapters/sandbox/sandbox.ts";
import { FileTranscripts } from "../adapters/store/transcripts.ts";
import type { LoopId, SandboxSettings } from "../core/loop.ts";
import { createRedact } from "../core/redact.ts";
import { auditedSandbox } from "../engine/audited.ts";
import type { Audit } from "../ports/audit.ts";
import { type HookName, type Hooks, hookNames } from "../ports/hooks.ts";
import { allToolsOf, type ToolServers } from "../ports/tool-servers.ts";
import type { Files, LiveEvent, Redact, Sandbox, TaskStore, World } from "../ports.ts";
import { toolNames } from "../tools/toolset.ts";
import { systemClock } from "./clock.ts";
import { dayLimit } from "./day-limit.ts";
import { findProgram } from "./find-program.ts";
import type { Living } from "./living.ts";
import { noStore } from "./no-store.ts";
import { createPullRequests } from "./pull-requests.ts";
import { identity } from "./reading-trees.ts";
import type { Surroundings } from "./surroundings.ts";

/** The world of one repository: its configuration decides what stands behind the ports. */
export interface RepositoryWorld {
  readonly world: World;
  readonly config: LoadedConfig;
  /** What can be started now. */
  readonly loopTypes: LoadedLoopTypes;
  readonly sandbox: SrtSandbox;
  readonly worktrees: GitWorktrees;
  readonly dayUsd: () => number | null;
  /** The user's checkout, to read, and of it these paths alone. */
  readonly checkout: (paths: readonly string[]) => Files;
  close(): Promise<void>;
}

export interface WorldRequest {
  readonly around: Surroundings;
  readonly home: string;
  readonly living: Living;
  readonly store: TaskStore;
  /** The home's chain, for secrets of the repository's configuration. */
  readonly audit: (redact: Redact) => Audit;
  readonly watch: (event: LiveEvent) => void;
}

export async function makeWorld(request: WorldRequest): Promise<RepositoryWorld> {
  const { around, home, living, store, watch } = request;
  const { repo, config: loaded } = living;
  const [{ config }, { env, userHome, euid }] = [loaded, around];
  const isDaemons = store !== noStore; // Who has the log is the daemon.
  const models = createModels({ ...modelSettings(config), env, isDaemons, now: systemClock.now });
  const redact = liveRedact(living, models.secrets(), env);
  const audit = request.audit(redact);
  const uid = euid === 0 ? config.sandbox.uid : null;
  const sandbox = await createSandbox({
    home,
    uid: config.sandbox.uid,
    redact,
    concurrency: config.concurrency.commands,
    env,
    userHome,
    denied: (host) => audit.record({ type: "host", loop: null, host, allowed: false }),
  });
  const worktrees = createWorktrees({
    home,
    uid,
    identity,
    now: systemClock.now,
    diskQuotaBytes: config.worktree["disk-quota"],
    runSetup: (setup, signal) =>
      runSetup(auditedSandbox(sandbox, audit, "setup"), sandboxSettings(config), setup, signal),
  });
  const ripgrep = await findProgram("rg", searchPath(env));
  const world: World = {
    clock: systemClock,
    random: { next: () => Math.random() },
    store,
    transcripts: new FileTranscripts(home, redact),
    audit,
    models,
    ...{ sandbox, worktrees, mergeBatchMax: config.git["merge-batch"] },
    targets: gitTargets(worktrees, { identity, now: systemClock.now }),
    pullRequests: createPullRequests({ around, home, worktrees, redact, config }),
    fileSystem: createFileSystem({ uid, ripgrep }),
    documents: createDocuments(uid),
    fetcher: new HttpFetcher(),
    toolServers: toolServersOf(living, { sandbox, audit, env, redact }),
    loopTypes: living.loopTypes,
    hooks: liveHooks(living, auditedSandbox(sandbox, audit, "hook"), userHome),
    redact,
    watch,
  };
  const dayUsd = dayLimit(() => loadRepositoryConfig(around, home, repo).config, config);
  return {
    ...{ world, config: loaded, sandbox, worktrees, dayUsd },
    checkout: (paths) => checkoutFiles({ dir: repo, ripgrep, paths }),
    close: () => sandbox.close(),
    get loopTypes() {
      return living.types;
    },
  };
}

function toolServersOf(
  living: Living,
  {
    sandbox,
    ...around
  }: Pick<ToolServersOptions, "audit" | "env" | "redact"> & { sandbox: SrtSandbox },
): ToolServers {
  const servers = () => living.config.config.mcp.servers;
  const serve: ToolServersOptions["serve"] = (command, signal) => sandbox.serve(command, signal);
  return createToolServers({ servers, serve, ...around });
}

/** Knows what servers are given as it is configured by now. */
function liveRedact(living: Living, secrets: readonly string[], env: Surroundings["env"]): Redact {
  const clean = ({ config }: LoadedConfig) =>
    createRedact([...secrets, ...valuesOfServers(config.mcp.servers, env)]);
  let now = { config: living.config, redact: clean(living.config) };
  return (text) => {
    const { config } = living;
    if (now.config !== config) now = { config, redact: clean(config) };
    return now.redact(text);
  };
}

/** Each hook as it is configured when its moment comes. */
function liveHooks(living: Living, sandbox: Pick<Sandbox, "run">, userHome: string): Hooks {
  return {
    run: (request, signal) => {
      const { repo, config } = living;
      const hooks = configuredHooks(config, repo);
      const settings = sandboxSettings(config.config);
      return createHooks({ hooks, sandbox, settings, repo, userHome }).run(request, signal);
    },
  };
}

export function loadRepositoryConfig(
  around: Surroundings,
  home: string,
  repo: string | null,
): LoadedConfig {
  const env = { ...around.env, TASKDAEMON_HOME: home };
  const userFiles = userConfigFiles(env, around.userHome);
  const projectFile = repo === null ? null : join(repo, "taskdaemon.yml");
  return loadConfig({ userFiles, projectFile, env });
}

export function loadRepositoryTypes(
  around: Surroundings,
  home: string,
  repo: string | null,
  config: Config,
): LoadedLoopTypes {
  const env = { ...around.env, TASKDAEMON_HOME: home };
  const userFiles = userConfigFiles(env, around.userHome);
  const directories = loopTypeDirectories({ userFiles, repo, paths: config.loops.paths });
  const known = [...toolNames, ...Object.keys(config.mcp.servers).map(allToolsOf)];
  const types = loadLoopTypes({ directories, repo, toolNames: known });
  const limited = types.list().map((type): [string, LoadedLoopType] => {
    return [type.name, { ...type, limits: limitsOf(config, type.definition) }];
  });
  const byName = new Map(limited);
  return { get: (name) => byName.get(name) ?? null, list: () => [...byName.values()] };
}

function sandboxSettings({ sandbox }: Config): SandboxSettings {
  return {
    level: sandbox.level,
    networkAllow: sandbox.network.allow,
    memoryBytesMax: sandbox.memory,
    processesMax: sandbox.processes,
  };
}

function configuredHooks(
  { config, origins }: LoadedConfig,
  repo: string,
): Partial<Record<HookName, ConfiguredHook>> {
  const projectFile = join(repo, "taskdaemon.yml");
  const hooks: Partial<Record<HookName, ConfiguredHook>> = {};
  for (const name of hookNames) {
    const command = config.hooks[name];
    if (command === null) continue;
    const origin = origins.get(`hooks.${name}`);
    hooks[name] = { command, isUsers: !(origin?.from === "file" && origin.file === projectFile) };
  }
  return hooks;
}

interface SetupRequest {
  readonly loop: LoopId;
  readonly cwd: string;
  readonly command: string;
  readonly networkAllow: readonly string[];
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const setupTimeoutMs = 900_000;
const setupOutputBytesMax = 64 * 1024;

async function runSetup(
  sandbox: Pick<Sandbox, "run">,
  settings: SandboxSettings,
  { networkAllow, ...setup }: SetupRequest,
  signal: AbortSignal,
): Promise<{ ok: boolean; output: string }> {
  const { exitCode, output } = await sandbox.run(
    {
      ...setup,
      settings: { ...settings, networkAllow },
      unixSockets: true,
      timeoutMs: setupTimeoutMs,
      outputBytesMax: setupOutputBytesMax,
    },
    signal,
  );
  return { ok: exitCode === 0, output };
}
