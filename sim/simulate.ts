import { createHash } from "node:crypto";
import type { Transaction } from "../src/core/events.ts";
import { crashesMax } from "../src/core/health.ts";
import type { State } from "../src/core/state.ts";
import type { Engine } from "../src/engine/engine.ts";
import { Gates } from "../src/engine/gates.ts";
import { type Crew, reconcile, recover } from "../src/engine/loop-manager.ts";
import { Scheduler } from "../src/engine/scheduler.ts";
import { StateManager } from "../src/engine/state-manager.ts";
import type { World } from "../src/ports.ts";
import { checkBooks } from "./books.ts";
import { SimClock } from "./clock.ts";
import { checkLiveness, checkMemory, checkSafety, checkSeen, isAtRest } from "./invariants.ts";
import { checkWaits } from "./mail.ts";
import { type Allowed, lookAfter, meddle, newLoop } from "./people.ts";
import { plannedAnew } from "./pipeline.ts";
import { limitsOf, simBreakerLimits } from "./provider.ts";
import { SeededRandom } from "./random.ts";
import { checkPromptness, Fairness, limits } from "./scheduling.ts";
import { SimDisk } from "./store.ts";
import { calm, drawTemper, type Temper } from "./temper.ts";
import { SimBoot } from "./world.ts";

const hourMs = 3_600_000;
const dayUsdEnough = 10;
const stormMs = 60_000;
const failuresMax = 6;
const patience = { retryAfterMaxMs: limits.retryAfterMaxMs, triesMax: 4 };

export interface Report {
  readonly seed: number;
  readonly transactions: number;
  readonly crashes: number;
  readonly loops: Readonly<Record<string, number>>;
  /** What people did to plans and what is below them, by deed and level. */
  readonly plannedAnew: Readonly<Record<string, number>>;
  readonly fingerprint: string;
}

/** One life of a daemon in some milliseconds: crashes, faults and people first, then calm. */
export async function simulate(seed: number): Promise<Report> {
  const random = new SeededRandom(seed);
  const temper = drawTemper(random);
  const fairness = new Fairness(1_000 + 12 * temper.diskMsMax);
  const allowed: Allowed = { dayUsd: temper.dayUsd };
  const disk = new SimDisk((on, transaction, before) => {
    checkSafety(on, transaction, before);
    fairness.check(on.state, transaction);
    checkBooks(on, transaction, before, allowed.dayUsd);
  });
  const clock = new SimClock(random.between(0, 24 * hourMs));
  const life: Life = { clock, random, disk, witnessed: [], allowed };
  // In a storm nothing is ever finished before the next one.
  const isStorm = random.chance(0.1);
  const crashes = isStorm ? 2 * crashesMax : random.between(0, 6);
  await boot(life, temper, 60_000, async (states) => {
    for (let count = random.between(1, 4); count > 0; count -= 1) {
      await states.submit(newLoop(random, [...states.state.loops.values()], disk.repository.base));
    }
  });
  for (let crash = 0; crash < crashes; crash += 1) {
    await boot(life, temper, random.between(1, isStorm ? stormMs : 2 * hourMs), (states, world) =>
      meddle(states, world, random, disk.repository, temper.personMs, allowed),
    );
  }
  // Enough for a day's work, and not for all: who waits for midnight must be woken by it.
  allowed.dayUsd = allowed.dayUsd === null ? null : Math.max(allowed.dayUsd, dayUsdEnough);
  const helper: Person = (states, world) => lookAfter(states, world, disk.repository);
  await boot(life, calm(temper), 2_000 * hourMs, helper, { untilRest: true });
  checkLiveness(disk.state);
  return {
    seed,
    transactions: disk.transactions.length,
    crashes,
    loops: countByStatus(disk.state),
    plannedAnew: plannedAnew(disk.transactions),
    fingerprint: fingerprint(disk),
  };
}

interface Life {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly disk: SimDisk;
  readonly allowed: Allowed;
  /** Every transaction that was published or acknowledged in any boot. */
  readonly witnessed: Transaction[];
}

type Person = (states: StateManager, world: World) => Promise<void>;

/** Starts the daemon, lets it live for a while beside a person, and takes the power away. */
async function boot(
  life: Life,
  temper: Temper,
  forMs: number,
  person: Person,
  { untilRest = false }: { readonly untilRest?: boolean } = {},
): Promise<void> {
  const { clock, random, disk, witnessed, allowed } = life;
  checkMemory(disk, witnessed);
  const machine = new SimBoot(clock, random, disk, temper);
  let failure: unknown;
  const catchFailure = (error: unknown) => {
    failure ??= error;
  };
  const daemon = async () => {
    const states = await StateManager.open(machine.world, failuresMax);
    states.subscribe((transaction) => witnessed.push(transaction));
    const { world } = machine;
    const drain = new AbortController().signal;
    const gates = new Gates(world, () => limitsOf(temper), simBreakerLimits);
    const gatesOf = (provider: string) => [gates.shared(provider)];
    const dayUsd = () => allowed.dayUsd;
    const engine: Engine = { world, states, patience, drain, gatesOf, dayUsd };
    const engineOf = async () => engine;
    const { random } = world;
    const crew: Crew = { states, clock: world.clock, random, owner: "sim", drain, engineOf };
    await recover(states);
    const scheduler = new Scheduler({ ...crew, hold: () => null }, limits);
    person(states, machine.world).catch(catchFailure);
    watch(states, machine.world, disk, temper.diskMsMax).catch(catchFailure);
    await reconcile(crew, scheduler, new AbortController().signal);
  };
  daemon().catch(catchFailure);
  const isOver = () => failure !== undefined || (untilRest && isAtRest(disk.state));
  await clock.run(isOver, clock.now() + forMs);
  failure ??= disk.violation ?? undefined;
  if (failure !== undefined) throw failure;
  machine.crash();
  clock.forget();
}

/** Looks in from time to time: at what can be seen, and at what should have been done by now. */
async function watch(
  states: StateManager,
  { clock }: World,
  disk: SimDisk,
  diskMsMax: number,
): Promise<never> {
  for (;;) {
    const [written, sinceAt] = [disk.transactions.length, clock.now()];
    const periodMs = 30_000 + 30 * diskMsMax;
    await clock.sleepUntil(sinceAt + periodMs, new AbortController().signal);
    checkSeen(disk, states.state, sinceAt);
    if (disk.transactions.length > written) continue;
    checkPromptness(disk.state, sinceAt);
    checkWaits(disk.state, sinceAt);
  }
}

function countByStatus(state: State): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of state.loops.values()) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function fingerprint({ transactions }: SimDisk): string {
  return createHash("sha256").update(JSON.stringify(transactions)).digest("hex").slice(0, 12);
}
