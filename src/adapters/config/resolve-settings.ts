import type { CommitId, Deliver, Gate, LoopSettings, OwnLimits } from "../../core/loop.ts";
import { checkCommand } from "./fields.ts";
import type { LoopTypeDefinition } from "./loop-type-schema.ts";
import type { DetectedValidation } from "./repository-facts.ts";
import type { Config } from "./schema.ts";

/** What a person asked for this one loop: it outranks everything written in files. */
interface RunOptions {
  readonly validate?: string | undefined;
  readonly maxIterations?: number | undefined;
  readonly model?: string | undefined;
  readonly budgetUsd?: number | undefined;
  readonly deliver?: Deliver | undefined;
}

export interface SettingsRequest {
  readonly config: Config;
  readonly type: Pick<LoopTypeDefinition, "model" | "iteration" | "validation">;
  readonly options: RunOptions;
  readonly baseCommit: CommitId;
  readonly detected: DetectedValidation | null;
  /** Where the configured target stands; null where there is no such branch. */
  readonly targetCommit?: CommitId | null;
}

export type ResolvedSettings =
  | { readonly ok: true; readonly settings: LoopSettings }
  | { readonly ok: false; readonly reason: string };

/** Option > loop type > configuration > what was detected. Refuses a loop that nothing judges. */
export function resolveSettings(request: SettingsRequest): ResolvedSettings {
  const { config, type, options, baseCommit } = request;
  const validation = { ...config.validation, ...defined(type.validation) };
  const limits = limitsOf(config, type);
  const command = commandOf(request);
  if (!command.ok) return command;
  const gate: Gate = {
    command: command.text,
    detectedFrom: command.from,
    successExitCode: validation["success-exit-code"],
    timeoutMs: validation.timeout,
    // A type adds to what the user protects; it cannot take away.
    protect: [...new Set([...config.validation.protect, ...validation.protect])],
  };
  const settings: LoopSettings = {
    model: options.model ?? type.model ?? config.llm.default,
    escalation: config.llm.escalation,
    fallback: config.llm.fallback,
    gate,
    ...limits,
    iterationsMax: options.maxIterations ?? limits.iterationsMax,
    budgetUsd: options.budgetUsd ?? limits.budgetUsd,
    planBudgetUsd: options.budgetUsd ?? config.budget["plan-usd"],
    deliver: options.deliver ?? config.git.deliver,
    ...targetOf(request),
    baseCommit,
    ...confinement(config),
  };
  return { ok: true, settings };
}

/** What a loop of the type may take where nobody asked for anything else. */
export function limitsOf(
  config: Config,
  type: Pick<LoopTypeDefinition, "iteration" | "validation">,
): OwnLimits {
  const iteration = { ...config.iteration, ...defined(type.iteration) };
  const validation = { ...config.validation, ...defined(type.validation) };
  return {
    iterationsMax: iteration.max,
    turnsMax: iteration["max-turns"],
    iterationTimeoutMs: iteration.timeout,
    stuckAfter: validation["stuck-after"],
    budgetUsd: config.budget["loop-usd"],
    budgetTokens: config.budget["loop-tokens"],
  };
}

/** A loop that begins where its target stands goes along with it. */
function targetOf({ config, baseCommit, targetCommit = null }: SettingsRequest) {
  if (targetCommit === null) return {};
  return { target: config.git.target, follows: targetCommit === baseCommit };
}

function confinement({ sandbox, worktree }: Config): Pick<LoopSettings, "sandbox" | "worktree"> {
  return {
    sandbox: {
      level: sandbox.level,
      networkAllow: sandbox.network.allow,
      memoryBytesMax: sandbox.memory,
      processesMax: sandbox.processes,
    },
    worktree: {
      link: worktree.link,
      copy: worktree.copy,
      // What a worktree needs beyond its links, a person must say: it may need the network.
      setup: worktree.setup === "auto" ? null : worktree.setup,
      setupNetworkAllow: worktree["setup-network"],
      ...(worktree.ports === 0 ? {} : { ports: worktree.ports }),
    },
  };
}

type Command =
  | { readonly ok: true; readonly text: string; readonly from: string | null }
  | { readonly ok: false; readonly reason: string };

function commandOf({ config, type, options, detected }: SettingsRequest): Command {
  const written = options.validate ?? type.validation?.command ?? config.validation.command;
  if (options.validate === undefined && written === "auto") {
    if (detected !== null) return { ok: true, text: detected.command, from: detected.from };
    const reason =
      "no validation command: none was detected in this repository; " +
      "give one with --validate, or as validation.command in taskdaemon.yml";
    return { ok: false, reason };
  }
  const reason = checkCommand(written);
  return reason === null ? { ok: true, text: written, from: null } : { ok: false, reason };
}

type Defined<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** Without what is undefined, so that it hides nothing. */
function defined<Fields extends object>(fields: Fields | undefined): Defined<Fields> {
  const entries = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<Fields>;
}
