import type { Deliver, Priority } from "../core/loop.ts";
import type { Raise, RunPlan, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { runBatch, unsendableIn } from "./batch.ts";
import { drive } from "./drive.ts";
import { planText, validationText } from "./plan-text.ts";
import { type Consent, findDaemon, openDaemon, openForRun } from "./reach.ts";
import type { Session } from "./session.ts";
import { readTask } from "./task-text.ts";

/** As the grammar hands them over: what is absent is undefined. */
export interface RunOptions {
  readonly type: string | undefined;
  readonly task: string | undefined;
  readonly file?: string | undefined;
  readonly validate?: string | undefined;
  readonly maxIterations?: number | undefined;
  readonly model?: string | undefined;
  readonly agent?: string | undefined;
  readonly priority?: Priority | undefined;
  readonly budget?: number | undefined;
  readonly base?: string | undefined;
  readonly after?: readonly string[] | undefined;
  readonly deliver?: Deliver | undefined;
  readonly set?: readonly string[] | undefined;
  readonly dryRun?: true | undefined;
  readonly resume?: string | undefined;
  readonly batch?: string | undefined;
  readonly detach?: true | undefined;
  readonly yes?: true | undefined;
}

/** One loop, from the task to its end or to where a person is needed. */
export async function run(session: Session, options: RunOptions): Promise<number> {
  refuseWhatIsNotThere(options);
  if (options.batch !== undefined) return runBatch(session, options.batch, options);
  if (options.resume !== undefined) return resume(session, options.resume, options);
  const request = await requestOf(session, options);
  refuseUnsendable(request);
  if (options.dryRun === true) return showPlan(session, await planOf(session, request, options));
  const { door, plan } = await openForRun(session, [request], options);
  if (options.detach === true) return leave(session, await door.create(request));
  const shown = plan ?? (await door.plan(request));
  session.say(validationText(shown));
  if (!shown.priceKnown) {
    session.say(`price: unknown for ${shown.model}; what it costs cannot be counted`);
  }
  const { id } = await door.create(request);
  return drive(session, door, await door.loop(id));
}

/** Asks the daemon that runs; none is started for a look. */
async function planOf(session: Session, request: RunRequest, consent: Consent): Promise<RunPlan> {
  const door = await findDaemon(session, consent);
  if (door !== null) return door.plan(request);
  return session.world.program.plan(session.place, request, { withHistory: true });
}

function refuseWhatIsNotThere({ agent }: RunOptions): void {
  if (agent !== undefined && agent !== "builtin") {
    throw new UserError(
      exitCodes.usage,
      `there is no agent '${agent}': this version has only builtin; leave --agent out`,
    );
  }
}

/** Told here, where the options have the names that were given. */
function refuseUnsendable(request: RunRequest): void {
  const wrong = unsendableIn(request);
  if (wrong === null) return;
  const given = wrong.startsWith("type:") || wrong.startsWith("task:") ? "the " : "--";
  throw new UserError(exitCodes.usage, `${given}${wrong}\n(--help explains it)`);
}

async function requestOf(session: Session, options: RunOptions): Promise<RunRequest> {
  const { type } = options;
  if (type === undefined) {
    throw new UserError(
      exitCodes.usage,
      'the type of loop is missing: td run ralph "what is to be done" (td types lists them)',
    );
  }
  if (options.task === undefined && options.file === undefined && /\s/.test(type)) {
    throw new UserError(
      exitCodes.usage,
      'the type of loop comes before the task: td run ralph "what is to be done"',
    );
  }
  return {
    type,
    task: await readTask(session.world, options.task, options.file),
    dir: session.place.dir,
    validate: options.validate ?? null,
    iterationsMax: options.maxIterations ?? null,
    model: options.model ?? null,
    budgetUsd: options.budget ?? null,
    base: options.base ?? null,
    priority: options.priority ?? "normal",
    after: options.after ?? [],
    deliver: options.deliver ?? null,
    ...(options.yes === true ? { approved: true } : {}),
    ...(options.set === undefined ? {} : { parameters: parametersOf(options.set) }),
  };
}

/** Each `name=value`; the last of a name holds. */
function parametersOf(given: readonly string[]): Readonly<Record<string, string>> {
  const entries = given.map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)] as const;
    throw new UserError(
      exitCodes.usage,
      `--set ${text}: expected name=value, as in --set audience=experts`,
    );
  });
  return Object.fromEntries(entries);
}

function showPlan(session: Session, plan: RunPlan): number {
  if (session.json) session.printJson(plan);
  else session.print(planText(plan, session.look));
  return exitCodes.done;
}

async function resume(session: Session, id: string, options: RunOptions): Promise<number> {
  refuseBeside(options);
  const raise = raiseOf(options);
  const door = await openDaemon(session, id, options);
  const view = await door.resume(id, raise);
  return options.detach === true ? leave(session, view) : drive(session, door, view);
}

/** The daemon has it: who asked goes. */
function leave(session: Session, view: LoopView): number {
  if (session.json) session.printJson(view);
  else session.print(view.id);
  return exitCodes.done;
}

interface RaiseOptions extends Pick<RunOptions, "maxIterations" | "budget"> {
  readonly budgetTokens?: number | undefined;
}

/** What a person grants beside resuming. */
export function raiseOf({ maxIterations, budget, budgetTokens }: RaiseOptions): Raise {
  return {
    ...(maxIterations === undefined ? {} : { iterationsMax: maxIterations }),
    ...(budget === undefined ? {} : { budgetUsd: budget }),
    ...(budgetTokens === undefined ? {} : { budgetTokens }),
  };
}

/** Everything else about a loop was settled when it was made. */
function refuseBeside(options: RunOptions): void {
  const { type, file, validate, model, agent, priority, base, after, deliver, dryRun } = options;
  const given: Readonly<Record<string, unknown>> = {
    TYPE: type,
    "--file": file,
    "--validate": validate,
    "--model": model,
    "--agent": agent,
    "--priority": priority,
    "--base": base,
    "--after": after,
    "--deliver": deliver,
    "--set": options.set,
    "--dry-run": dryRun,
  };
  const beside = Object.keys(given).find((name) => given[name] !== undefined);
  if (beside === undefined) return;
  throw new UserError(
    exitCodes.usage,
    `--resume goes on with a loop as it was made; ${beside} cannot be given with it (--max-iterations and --budget can)`,
  );
}
