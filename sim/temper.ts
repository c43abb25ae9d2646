import type { SeededRandom } from "./random.ts";

/** What the world is like in one life. Drawn per seed: varying the options finds more than the dice. */
export interface Temper {
  readonly diskMsMax: number;
  readonly modelMsMax: number;
  readonly commandMsMax: number;
  /** Chances in [0, 1]. */
  readonly modelFails: number;
  readonly modelParks: number;
  readonly modelCheats: number;
  readonly modelFixes: number;
  readonly modelAsks: number;
  readonly modelTalks: number;
  readonly validationFlakes: number;
  readonly gitFails: number;
  readonly sandboxFails: number;
  /** Mean time between two deeds of a person. */
  readonly personMs: number;
  /** Configured for all loops together; null is no limit. */
  readonly dayUsd: number | null;
  /** Of the provider; null is no limit. */
  readonly concurrency: number | null;
  readonly requestsPerMinute: number | null;
  /** So often the provider is out, for so long. */
  readonly outageEveryMs: number;
  readonly outageMs: number;
  readonly mergeBatchMax: number;
}

export function drawTemper(random: SeededRandom): Temper {
  return {
    diskMsMax: 10 ** random.between(0, 4),
    modelMsMax: 10 ** random.between(1, 5),
    commandMsMax: 10 ** random.between(1, 5),
    modelFails: random.next() ** 2,
    modelParks: random.next() * 0.2,
    modelCheats: random.next() * 0.3,
    modelFixes: random.next(),
    modelAsks: random.next() * 0.05,
    modelTalks: random.chance(0.4) ? random.next() : 0.02,
    validationFlakes: random.next() * 0.1,
    gitFails: random.next() * 0.1,
    sandboxFails: random.next() * 0.02,
    personMs: 10 ** random.between(4, 7),
    dayUsd: random.chance(0.5) ? random.next() * 4 : null,
    concurrency: random.chance(0.3) ? random.between(1, 2) : null,
    requestsPerMinute: random.chance(0.4) ? random.between(1, 60) : null,
    outageEveryMs: 10 ** random.between(5, 7),
    outageMs: random.chance(0.5) ? 10 ** random.between(3, 6) : 0,
    mergeBatchMax: random.chance(0.5) ? random.between(2, 4) : 1,
  };
}

/** The same world once the faults stop and the model has learnt its trade. */
export function calm(temper: Temper): Temper {
  return {
    ...temper,
    modelFails: 0.02,
    modelParks: 0,
    modelCheats: 0,
    modelFixes: 0.9,
    modelAsks: 0,
    modelTalks: 0.1,
    validationFlakes: 0,
    gitFails: 0,
    sandboxFails: 0,
    outageMs: 0,
  };
}
