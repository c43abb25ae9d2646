import type { Command } from "../src/core/commands.ts";
import { isSettled, type Loop, type LoopSettings, priorities } from "../src/core/loop.ts";
import type { StateManager } from "../src/engine/state-manager.ts";
import type { World } from "../src/ports.ts";
import { settleConflict, workByHand } from "./by-hand.ts";
import type { SimRepository } from "./git.ts";
import { mailDeed } from "./mail.ts";
import { planDeeds, planRemedy } from "./pipeline.ts";
import type { SeededRandom } from "./random.ts";

/** A person who does what people do, at any time, whether it makes sense or not. */
export async function meddle(
  states: StateManager,
  world: World,
  random: SeededRandom,
  repository: SimRepository,
  everyMs: number,
  allowed: Allowed,
): Promise<never> {
  for (;;) {
    const until = world.clock.now() + random.between(1, 2 * everyMs);
    await world.clock.sleepUntil(until, new AbortController().signal);
    if (random.chance(0.1)) raiseDay(allowed, random);
    if (random.chance(0.2)) workByHand(repository, random);
    const loops = [...states.state.loops.values()];
    const loop = loops[random.between(0, Math.max(0, loops.length - 1))];
    if (loop === undefined || (loops.length < loopsMax && random.chance(0.2))) {
      await states.submit(newLoop(random, loops, repository.base));
    } else if (random.chance(0.1)) {
      await states.submit(mailDeed(random, states.state));
    } else {
      await states.submit(deed(random, loop, loops.length));
    }
  }
}

const loopsMax = 8;

/** What is configured for all loops together. */
export interface Allowed {
  dayUsd: number | null;
}

/** Who lowered it would have to wait for what is decided already: the check could not know. */
function raiseDay(allowed: Allowed, random: SeededRandom): void {
  const raise = random.next() * 2;
  if (allowed.dayUsd !== null) allowed.dayUsd += raise;
}

export function newLoop(random: SeededRandom, loops: readonly Loop[], base: string): Command {
  const dependsOn = loops.filter(() => random.chance(0.2)).map(({ id }) => id);
  const priority = priorities[random.between(0, 3)] ?? "normal";
  const settings = drawSettings(random, base);
  const words = {
    title: "make it good",
    brief: random.chance(0.2) ? `良 ${"好".repeat(2_000)}` : "good",
  };
  const kind = random.next();
  const type = kind < 0.25 ? "chore" : kind < 0.5 ? "plan" : "ralph";
  const approved = type === "plan" && random.chance(0.3);
  const repo = random.chance(0.3) ? "/other" : "/repo";
  const whole = { type, approved, parent: null, ...words, priority, dependsOn, repo };
  const loop = { ...whole, status: "pending", settings } as const;
  // No further dice: whoever asks for one loop lives as before.
  if ((kind * 1_000) % 1 > 0.1) return { type: "createLoop", loop };
  const one = { loop, afterEarlier: [] };
  return { type: "createLoops", asked: [one, one, { loop, afterEarlier: [0, 1] }] };
}

function drawSettings(random: SeededRandom, baseCommit: string): LoopSettings {
  return {
    model: "sim/small",
    fallback: random.chance(0.3) ? "sim/other" : null,
    escalation: random.chance(0.5) ? "sim/large" : null,
    gate: {
      command: "./check.sh",
      successExitCode: 0,
      timeoutMs: random.chance(0.1) ? 1_000 : 600_000,
      protect: [],
      detectedFrom: null,
    },
    iterationsMax: random.between(1, 12),
    turnsMax: random.between(1, 10),
    iterationTimeoutMs: random.chance(0.2) ? 5_000 : 900_000,
    stuckAfter: random.between(2, 4),
    budgetUsd: random.chance(0.3) ? random.next() * 2 : null,
    budgetTokens: random.chance(0.3) ? random.between(0, 100_000) : null,
    planBudgetUsd: random.chance(0.2) ? random.next() * 3 : null,
    deliver: random.chance(0.4) ? "merge" : random.chance(0.3) ? "pr" : "branch",
    target: "main",
    follows: random.chance(0.5),
    baseCommit,
    sandbox: { level: "required", networkAllow: [], memoryBytesMax: 4e9, processesMax: 512 },
    worktree: { link: "auto", copy: [], setup: null, setupNetworkAllow: [] },
  };
}

function deed(random: SeededRandom, loop: Loop, loopsThere: number): Command {
  const { id, checkpoints } = loop;
  const raise = random.chance(0.5)
    ? { budgetUsd: 5, budgetTokens: 200_000, iterationsMax: 20 }
    : {};
  const deeds: readonly Command[] = [
    { type: "pause", id },
    { type: "resume", id, raise },
    { type: "resume", id, raise },
    ...(random.chance(0.2) ? [{ type: "stop", id } as const] : []),
    { type: "retry", id, raise },
    { type: "answer", id, answer: random.chance(0.3) ? "allow" : "deny" },
    { type: "queueMerge", id, target: "main" },
    { type: "queueMerge", id, target: "main", as: "pr" },
    { type: "rollback", id, to: random.between(0, checkpoints.length + 1) },
    ...planDeeds(random, loop, loopsThere),
  ];
  return deeds[random.between(0, deeds.length - 1)] as Command;
}

/** Somebody who helps every loop that waits for a person, as long as it waits. */
export async function lookAfter(
  states: StateManager,
  world: World,
  repository: SimRepository,
): Promise<never> {
  const retries = new Map<string, number>();
  for (;;) {
    await world.clock.sleepUntil(world.clock.now() + 600_000, new AbortController().signal);
    for (const loop of states.state.loops.values()) {
      if (loop.blockedOn === "conflict") settleConflict(repository, loop);
      const command = planRemedy(states.state, loop) ?? remedy(loop);
      if (command !== null) await states.submit(withPatience(retries, loop, command));
    }
  }
}

/** A check that is red however often it is run is given up. */
function withPatience(retries: Map<string, number>, { id }: Loop, command: Command): Command {
  if (command.type !== "retry") return command;
  const tries = (retries.get(id) ?? 0) + 1;
  retries.set(id, tries);
  return tries > iterationsEnough ? { type: "stop", id } : command;
}

/** Patience has an end too. */
const iterationsEnough = 100;

function remedy(loop: Loop): Command | null {
  const { id, status, blockedOn, iteration } = loop;
  if (iteration > iterationsEnough && !isSettled(loop)) return { type: "stop", id };
  if (status === "paused") return { type: "resume", id, raise: {} };
  if (status !== "blocked") return null;
  // What a level's document asks for may have been red by chance: refused where a child is lost.
  if (blockedOn === "child") return { type: "retry", id, raise: {} };
  if (blockedOn === "gate") return { type: "answer", id, answer: "deny" };
  if (blockedOn === "question" || blockedOn === "stuck")
    return { type: "answer", id, answer: "Yes." };
  // A new day helps: nobody has to.
  if (loop.blockedUntil !== null) return null;
  return { type: "resume", id, raise: { budgetUsd: 1_000, budgetTokens: 1e9 } };
}
