import { assert } from "./assert.ts";
import type { Account, Spending } from "./ledger.ts";
import type { CommitId, Loop, LoopId, LoopSettings } from "./loop.ts";
import type { Message } from "./message.ts";
import { adopt, emptyState, type MutableState, type Parking, type State } from "./state.ts";

/**
 * Raise it whenever apply() comes to make another state of the same events: snapshots of another
 * version are passed over, and the log is replayed instead.
 */
const snapshotVersion = 3;

/** The sum of the log up to event `seq`, as plain JSON. */
export interface Snapshot extends SnapshotHead {
  readonly loops: readonly PackedLoop[];
}

export interface SnapshotHead {
  readonly v: number;
  readonly seq: number;
  /** The parts of a state this program knows: a program that knows others replays the log. */
  readonly parts: readonly string[];
  /** What a field is that a packed loop leaves out. */
  readonly usual: Partial<Loop>;
  readonly parked: readonly (readonly [string, Parking])[];
  readonly mail: readonly Message[];
  readonly messagesSent: number;
  readonly spending: Spending;
  readonly plans: readonly (readonly [LoopId, Account])[];
}

/** A loop without its usual values. Settings stand once; `settings` is then a number from 0. */
export interface PackedLoop extends Partial<Omit<Loop, "settings">> {
  readonly settings: SharedSettings | number;
  readonly base: CommitId;
}

type SharedSettings = Omit<LoopSettings, "baseCommit">;

/** Does not compile when State gains a part: decide then how a snapshot carries it. */
const parts: Readonly<Record<keyof State, true>> = {
  loops: true,
  children: true,
  parked: true,
  rootsCreated: true,
  mail: true,
  messagesSent: true,
  spending: true,
  plans: true,
  starts: true,
};

/** What most fields of most loops hold, above all of settled ones. */
const usual: Partial<Loop> = {
  type: "ralph",
  parent: null,
  status: "complete",
  pausedFrom: null,
  pausedBy: null,
  blockedOn: null,
  blockedUntil: null,
  reason: null,
  priority: "normal",
  dependsOn: [],
  escalated: false,
  stuckFrom: 0,
  failures: 0,
  crashes: 0,
  interruptedAt: null,
  baseline: null,
  verdict: null,
  headCommit: null,
  checkpoints: [],
  branch: null,
  delivered: null,
  pullRequest: null,
  merge: null,
  tip: null,
  merges: 0,
  conflicts: [],
  bases: [],
  gateAllowed: [],
  gateAsked: [],
  rejudge: false,
  answers: [],
  progress: [],
  document: null,
  touches: [],
  documents: [],
  passes: 0,
  approved: false,
  dropped: false,
  reservations: [],
  warned: [],
};

/** The whole state as one value; `headOf` and `LoopPacker` give the same piece by piece. */
export function snapshotOf(state: State, seq: number): Snapshot {
  const packer = new LoopPacker();
  const loops = [...state.loops.values()].map((loop) => packer.pack(loop));
  return { ...headOf(state, seq), loops };
}

export function headOf(state: State, seq: number): SnapshotHead {
  const { parked, mail, messagesSent, spending, plans } = state;
  const names = Object.keys(parts).sort();
  const letters = { mail: [...mail.values()], messagesSent };
  const money = { spending, plans: [...plans] };
  const known = { v: snapshotVersion, seq, parts: names, usual };
  return { ...known, parked: [...parked], ...letters, ...money };
}

/** Whether this program makes the same state of the same events as the one that wrote it. */
export function isOurs({ v, parts: theirs }: Pick<SnapshotHead, "v" | "parts">): boolean {
  return v === snapshotVersion && theirs.join() === Object.keys(parts).sort().join();
}

/** Give it a snapshot of our version that is as it was written; what was shared is shared again. */
export function restore(snapshot: Snapshot): Restored {
  const restoring = new Restoring(snapshot);
  for (const loop of snapshot.loops) restoring.add(loop);
  return restoring.done();
}

export interface Restored {
  readonly state: MutableState;
  /** The last event that is in it. */
  readonly seq: number;
}

/** Packs the loops of one snapshot, in their order. */
export class LoopPacker {
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<LoopSettings, number>();

  pack(loop: Loop): PackedLoop {
    const { settings, ...rest } = loop;
    const packed: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(rest)) {
      if (!isUsual(key, value)) packed[key] = value;
    }
    return { ...packed, settings: this.#share(settings), base: settings.baseCommit };
  }

  #share(settings: LoopSettings): SharedSettings | number {
    const seen = this.#known.get(settings);
    if (seen !== undefined) return seen;
    const { baseCommit: _, ...shared } = settings;
    const text = JSON.stringify(shared);
    const number = this.#numbers.get(text);
    this.#known.set(settings, number ?? this.#numbers.size);
    if (number !== undefined) return number;
    this.#numbers.set(text, this.#numbers.size);
    return shared;
  }
}

/** A state that is being put together again from its pieces. */
export class Restoring {
  readonly #head: SnapshotHead;
  readonly #state = emptyState();
  readonly #shared: { readonly settings: SharedSettings; readonly byBase: SettingsByBase }[] = [];

  constructor(head: SnapshotHead) {
    assert(isOurs(head), `a snapshot of version ${head.v}`);
    this.#head = head;
    for (const [key, value] of head.parked) {
      adopt(this.#state, [{ loop: null, parking: { key, value } }]);
    }
    for (const message of head.mail) {
      adopt(this.#state, [{ loop: null, parking: null, mail: { id: message.id, message } }]);
    }
    this.#state.messagesSent = head.messagesSent;
    this.#state.spending = head.spending;
    for (const [root, account] of head.plans) this.#state.plans.set(root, account);
  }

  add({ settings, base, ...packed }: PackedLoop): void {
    const whole = { ...usual, ...this.#head.usual, ...packed };
    const loop = { ...whole, settings: this.#settings(settings, base) };
    assert(isWhole(loop), "a loop of the snapshot has no id");
    adopt(this.#state, [{ loop, parking: null }]);
  }

  done(): Restored {
    return { state: this.#state, seq: this.#head.seq };
  }

  #settings(packed: SharedSettings | number, baseCommit: CommitId): LoopSettings {
    if (typeof packed !== "number") this.#shared.push({ settings: packed, byBase: new Map() });
    const shared = this.#shared[typeof packed === "number" ? packed : this.#shared.length - 1];
    assert(shared !== undefined, "a loop of the snapshot has no settings");
    const known = shared.byBase.get(baseCommit);
    if (known !== undefined) return known;
    const settings = { ...shared.settings, baseCommit };
    shared.byBase.set(baseCommit, settings);
    return settings;
  }
}

type SettingsByBase = Map<CommitId, LoopSettings>;

/** Our own snapshot, under a checksum: its insides are taken as read. */
function isWhole(loop: Partial<Loop>): loop is Loop {
  return loop.id !== undefined;
}

function isUsual(key: string, value: unknown): boolean {
  const expected = Object.hasOwn(usual, key) ? usual[key as keyof Loop] : undefined;
  if (expected === undefined) return false;
  if (Array.isArray(expected)) return Array.isArray(value) && value.length === 0;
  return value === expected;
}
