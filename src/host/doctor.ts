import { mkdir, statfs } from "node:fs/promises";
import { version } from "node:process";
import { unrecorded } from "../adapters/audit/unrecorded.ts";
import type { DetectedValidation } from "../adapters/config/repository-facts.ts";
import { resolveSettings } from "../adapters/config/resolve-settings.ts";
import { resolveCommit, resolveRepository } from "../adapters/git/repository.ts";
import type { LoopId, LoopSettings } from "../core/loop.ts";
import { readEvidence } from "../core/verdict/evidence.ts";
import { gateDefinitionAt } from "../engine/gate.ts";
import type { Check, Place } from "../protocol/program.ts";
import { detectAt } from "./detect.ts";
import { asUserError } from "./errors.ts";
import { findGit } from "./git-program.ts";
import { Living } from "./living.ts";
import { noStore } from "./no-store.ts";
import { checkNotify } from "./notify-check.ts";
import { readingTrees } from "./reading-trees.ts";
import { checkServers } from "./servers-check.ts";
import type { Surroundings } from "./surroundings.ts";
import { makeWorld, type RepositoryWorld } from "./world.ts";

const freeBytesWanted = 2e9;
const outputBytesMax = 64 * 1024;
const doctorsLoop = "doctor" as LoopId;

/** Looks at everything a run would need, and runs the validation once on the base commit. */
export async function doctor(
  around: Surroundings,
  place: Place,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const notify = checkNotify(around, place.home);
  const node = ok("node", version.slice(1));
  const disk = await attempt("disk", () => checkDisk(place.home));
  if ("check" in disk) return [node, await checkGit(), disk.check, ...notify];
  const machine = [node, await checkGit(), disk.value, ...notify];
  const repository = await attempt("repository", () => resolveRepository(place.dir, null));
  if ("check" in repository) return [...machine, repository.check];
  const { root } = repository.value;
  const quiet = { store: noStore, audit: () => unrecorded, watch: () => undefined };
  const { home } = place;
  const made = await attempt("configuration", () =>
    makeWorld({ around, home, living: new Living(around, home, root), ...quiet }),
  );
  if ("check" in made) return [...machine, ok("repository", root), made.check];
  const world = made.value;
  try {
    const checks = [
      ok("repository", root),
      ok("configuration", `valid (${world.config.files.join(", ") || "built-in defaults"})`),
      checkSandbox(world),
      checkModel(world),
      ...(await checkServers(world, around)),
      ...(await checkDependencies(world, root)),
    ];
    return [...machine, ...checks, await checkValidation(world, root, signal)];
  } finally {
    await world.close();
  }
}

async function checkGit(): Promise<Check> {
  const found = await findGit();
  return "problem" in found
    ? problem("git", found.problem, found.remedy)
    : ok("git", found.version);
}

async function checkDisk(home: string): Promise<Check> {
  await mkdir(home, { recursive: true, mode: 0o711 });
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  const message = `${(free / 1e9).toFixed(1)} GB free at ${home}`;
  if (free >= freeBytesWanted) return ok("disk", message);
  return { name: "disk", state: "warning", message, remedy: "free some space: td trash empty" };
}

function checkSandbox({ sandbox, config }: RepositoryWorld): Check {
  const { level, uid, problem: why } = sandbox.probe;
  if (config.config.sandbox.level === "off") {
    const remedy = "set sandbox.level: required in the user-level taskdaemon.yml";
    const message = "off: a model's commands run with your own rights";
    return { name: "sandbox", state: "warning", message, remedy };
  }
  if (why !== null) return problem("sandbox", "there is none", why);
  return ok(
    "sandbox",
    uid === null ? level : `${level}; commands run as user id ${uid}, not as root`,
  );
}

function checkModel({ world, config }: RepositoryWorld): Check {
  const name = config.config.llm.default;
  try {
    const { price } = world.models.resolve(name);
    return ok("model", price === null ? `${name} (price unknown)` : name);
  } catch (error) {
    return problem("model", `${name} cannot be used`, textOf(error));
  }
}

async function checkDependencies(
  { worktrees, config }: RepositoryWorld,
  root: string,
): Promise<Check[]> {
  const { links, notes, problems } = await worktrees.describeSetup(root);
  const { setup } = config.config.worktree;
  if (problems.length > 0 && (setup === null || setup === "auto")) {
    const remedy = "mend that, or write a set-up command as worktree.setup";
    return [{ name: "dependencies", state: "warning", message: problems.join("; "), remedy }];
  }
  const told = [...links.map((path) => `${path} is linked`), ...notes].join("; ");
  return [ok("dependencies", told || "none to link")];
}

async function checkValidation(
  { world, config, loopTypes, worktrees, sandbox }: RepositoryWorld,
  root: string,
  signal: AbortSignal,
): Promise<Check> {
  const name = "validation";
  const type = loopTypes.get("ralph");
  if (type === null)
    return problem(name, "there is no loop type ralph", "remove what overrides it");
  const base = await attempt(name, async () =>
    resolveCommit(await resolveRepository(root, null), "HEAD"),
  );
  if ("check" in base) return base.check;
  const baseCommit = base.value;
  const detected = await detectAt(worktrees, root, baseCommit);
  const { definition } = type;
  const resolved = resolveSettings({
    config: config.config,
    type: definition,
    options: {},
    baseCommit,
    detected,
  });
  if (!resolved.ok) return problem(name, "there is no command", resolved.reason);
  if (sandbox.probe.problem !== null && resolved.settings.sandbox.level === "required") {
    return problem(
      name,
      `\`${resolved.settings.gate.command}\` was not run`,
      "it needs the sandbox",
    );
  }
  const tried = await attempt(name, () => runOnBase(world, root, resolved.settings, signal));
  return "check" in tried ? tried.check : tried.value;
}

async function runOnBase(
  { worktrees, sandbox }: Pick<RepositoryWorld["world"], "worktrees" | "sandbox">,
  repo: string,
  settings: LoopSettings,
  signal: AbortSignal,
): Promise<Check> {
  const { gate, baseCommit } = settings;
  const { worktree, sandbox: confinement } = settings;
  const head = baseCommit;
  const request = {
    loop: doctorsLoop,
    repo,
    base: baseCommit,
    head,
    settings: worktree,
    sandbox: confinement,
  };
  const { shell } = await gateDefinitionAt({ worktrees, repo, gate }, baseCommit);
  const fresh = await worktrees.fresh(request, signal);
  try {
    const { dir: cwd, writable, readable } = fresh;
    const result = await sandbox.run(
      {
        loop: doctorsLoop,
        command: gate.command,
        cwd,
        writable,
        readable,
        settings: confinement,
        env: { CI: "1", ...fresh.env },
        unixSockets: true,
        timeoutMs: gate.timeoutMs,
        outputBytesMax,
      },
      signal,
    );
    const evidence = readEvidence(shell, result.output);
    const from = gate.detectedFrom === null ? "configured" : `from ${gate.detectedFrom}`;
    const tests = evidence === null ? "" : `, ${evidence.ran} tests by ${evidence.runner}`;
    const what = `\`${gate.command}\` (${from})`;
    if (result.exitCode === gate.successExitCode) return ok("validation", `${what} passes${tests}`);
    const code = result.exitCode === null ? result.ended : `exit code ${result.exitCode}`;
    const message = `${what} does not pass on HEAD: ${code}${tests}; ${result.output.trim().split("\n").slice(-3).join(" · ")}`;
    const remedy = "fine if that is the task; if not, see what it needs: td run ralph … --dry-run";
    return { name: "validation", state: "warning", message, remedy };
  } finally {
    await fresh.close();
  }
}

export async function detectIn(
  around: Surroundings,
  home: string,
  dir: string,
): Promise<DetectedValidation | null> {
  const repository = await resolveRepository(dir, null);
  const base = await resolveCommit(repository, "HEAD");
  return detectAt(readingTrees(around, home), repository.root, base);
}

/** The value, or the check that says why there is none. */
async function attempt<T>(
  name: string,
  action: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly check: Check }> {
  try {
    return { value: await action() };
  } catch (error) {
    const known = asUserError(error);
    if (known === error) throw error;
    // What it says has its remedy.
    return { check: { name, state: "problem", message: textOf(known), remedy: null } };
  }
}

function ok(name: string, message: string): Check {
  return { name, state: "ok", message, remedy: null };
}

function problem(name: string, message: string, remedy: string): Check {
  return { name, state: "problem", message, remedy };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
