import type { Event } from "./events.ts";

/** The version of the events this program writes. It reads this one and all before it. */
export const formatVersion = 1;

type Fields = Readonly<Record<string, unknown>>;
interface OldEvent {
  readonly type: string;
  readonly loop: unknown;
  readonly data: Fields;
}
type Step = (event: OldEvent) => OldEvent;

/** The step at `n` brings an event of version n to version n + 1. */
const steps: readonly Step[] = [fromDrafts];

/**
 * Events as they were written by some version, as this program understands them; null when they
 * are none. Fields that came without a new version get the value that they stand for when absent.
 */
export function upgrade(events: readonly unknown[], version: number): readonly Event[] | null {
  if (version === formatVersion && !events.some(isCreated)) return events as readonly Event[];
  const due = steps.slice(version);
  const upgraded: OldEvent[] = [];
  for (const event of events) {
    if (!isEvent(event)) return null;
    upgraded.push(completed(due.reduce((older, step) => step(older), event)));
  }
  return upgraded as readonly unknown[] as readonly Event[];
}

/** The first drafts: other names for some statuses, and attempts that could not err. */
function fromDrafts(event: OldEvent): OldEvent {
  const { type, data } = event;
  if (type === "loop.created") return { ...event, data: { ...data, ...renamed(data, "status") } };
  if (type === "loop.status") {
    const moved = { reason: null, ...data, ...renamed(data, "from"), ...renamed(data, "to") };
    return { ...event, data: moved };
  }
  if (type === "attempt.ended") {
    return { ...event, data: { interruptedAt: null, erred: false, ...data } };
  }
  return event;
}

const statusNames: ReadonlyMap<unknown, string> = new Map([
  ["queued", "pending"],
  ["done", "complete"],
  ["cancelled", "stopped"],
]);

function renamed(data: Fields, field: string): Fields {
  return { [field]: statusNames.get(data[field]) ?? data[field] };
}

const createdDefaults: Fields = { parent: null, priority: "normal", dependsOn: [] };

/** What a setting that a log does not have yet stood for. */
const settingsDefaults: Fields = {
  escalation: null,
  fallback: null,
  budgetUsd: null,
  budgetTokens: null,
  planBudgetUsd: null,
};
const gateDefaults: Fields = { successExitCode: 0, protect: [], detectedFrom: null };
const worktreeDefaults: Fields = { link: "auto", copy: [], setup: null, setupNetworkAllow: [] };

function completed(event: OldEvent): OldEvent {
  if (event.type !== "loop.created") return event;
  const { settings: given } = event.data;
  const settings = { ...settingsDefaults, ...fieldsOf(given) };
  const { gate, worktree } = settings as Fields;
  const whole = {
    ...settings,
    gate: { ...gateDefaults, ...fieldsOf(gate) },
    worktree: { ...worktreeDefaults, ...fieldsOf(worktree) },
  };
  return { ...event, data: { ...createdDefaults, ...event.data, settings: whole } };
}

function isCreated(event: unknown): boolean {
  return isEvent(event) && event.type === "loop.created";
}

/** Our own events, under a checksum: their insides are taken as read. */
function isEvent(value: unknown): value is OldEvent {
  return typeof value === "object" && value !== null && "type" in value && "data" in value;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
