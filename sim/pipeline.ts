import { assert } from "../src/core/assert.ts";
import type { Command } from "../src/core/commands.ts";
import type { Document } from "../src/core/documents.ts";
import type { Event, Transaction } from "../src/core/events.ts";
import { rootIdOf } from "../src/core/ledger.ts";
import { isSettled, type Loop, type LoopId } from "../src/core/loop.ts";
import { childrenOf, type State } from "../src/core/state.ts";
import type { LoopType, PromptValues } from "../src/ports.ts";
import { levelCheck } from "./levels.ts";
import type { SeededRandom } from "./random.ts";
import type { Before } from "./store.ts";
import type { Temper } from "./temper.ts";

const shared = {
  needs: [],
  version: "1",
  origin: "built-in",
  tools: [
    ...["read", "write", "edit", "bash", "alert", "query", "share", "reply", "stop_loop"],
    ...["ask_person", "complete_task"],
  ],
  renderPrompt: ({ brief, progress, answers, messages }: PromptValues) =>
    `${brief}\n${progress}\n${answers}\n${messages}`,
};

const ralph: LoopType = {
  ...shared,
  name: "ralph",
  description: "changes code until its validation passes",
  begets: null,
  renderSystem: ({ id }) => `You work on loop ${id}`,
};

const look = { name: "look", focus: "look" };

/** plan → part → ralph: two passes and approval above, one ralph or several below. */
const types: readonly LoopType[] = [
  ralph,
  { ...ralph, name: "chore" },
  {
    ...shared,
    name: "plan",
    description: "writes parts",
    begets: {
      ...{ type: "part", from: ["parts"], document: "plan.md", alone: false, approval: true },
      passes: [look, look],
    },
    renderSystem: ({ id }) => `You write parts, on loop ${id}`,
  },
  {
    ...shared,
    name: "part",
    description: "writes bits",
    begets: {
      ...{ type: "ralph", from: ["bits"], document: null, alone: true, approval: false },
      passes: [look],
    },
    renderSystem: ({ id }) => `You write bits, on loop ${id}`,
  },
];

export const simTypes = {
  get: (name: string) => types.find((type) => type.name === name) ?? null,
  list: () => types,
};

export interface Written {
  readonly path: string;
  readonly content: string;
}

/** The files that a model writes in one turn, where its loop writes documents; null elsewhere. */
export function documentsWish(
  system: string,
  random: SeededRandom,
  temper: Temper,
): readonly Written[] | null {
  const folder = /You write (\w+)/.exec(system)?.[1];
  if (folder === undefined) return null;
  if (random.chance(0.05)) return [{ path: "src.txt", content: "good" }];
  const names = ["01-a", "02-b", "03-c"].slice(0, folder === "bits" ? 2 : 3);
  const paths = names.map((name) => `.td-out/${folder}/${name}.md`);
  if (folder === "parts") paths.push(".td-out/plan.md");
  // Who has learnt the trade writes all of them, and well.
  const isGood = random.chance(temper.modelFixes);
  const chosen = paths.filter(() => isGood || random.chance(0.5));
  return chosen.map((path, index) => ({
    path,
    content: isGood ? goodDocument(random, names.slice(0, index)) : badDocument(random, names),
  }));
}

function goodDocument(random: SeededRandom, before: readonly string[]): string {
  const after = before.filter(() => random.chance(0.3));
  const lines = [`depends-on: [${after.join()}]`, `touches: ["${random.between(1, 3)}/**"]`];
  const check = random.chance(0.2) ? [`validate: ${levelCheck}`] : [];
  return ["---", "title: a good one", ...lines, ...check, "---", "good"].join("\n");
}

function badDocument(random: SeededRandom, names: readonly string[]): string {
  const any = names[random.between(0, names.length - 1)] ?? "x";
  const texts = [
    "no front matter",
    "---\ndepends-on: []\n---\n",
    `---\ntitle: a circle, at times\ndepends-on: [${any}]\n---\n`,
    "---\ntitle: unknown\ndepends-on: [nobody]\n---\n",
    "---\ntitle: [\n---\n",
    "---\ntitle: never ends\n",
  ];
  return texts[random.between(0, texts.length - 1)] ?? "";
}

/** Planning anew makes new loops: a life has its bound. */
const loopsMax = 30;

/** What people do to plans, whether it makes sense or not. */
export function planDeeds(
  random: SeededRandom,
  { id, type }: Loop,
  loopsThere: number,
): readonly Command[] {
  const hasRoom = loopsThere < loopsMax;
  const words = { title: "a better one", brief: "good, in other words" };
  return [
    { type: "approve", id },
    ...(random.chance(0.3) ? [{ type: "drop", id } as const] : []),
    ...(random.chance(0.2) ? [{ type: "editBrief", id, ...words } as const] : []),
    ...(hasRoom && random.chance(0.5)
      ? [{ type: "reject", id, feedback: "Not like this." } as const]
      : []),
    ...(hasRoom && random.chance(0.7) ? [addition(random, id, type)] : []),
    ...(type === "plan" && random.chance(0.2) ? [edition(random, id)] : []),
  ];
}

/** One more child for a plan or a part; of anything else it is refused. */
function addition(random: SeededRandom, id: LoopId, type: string): Command {
  const becomes = type === "plan" ? "part" : type === "part" ? "ralph" : null;
  const name = `${byPerson}-${random.between(1, 5)}`;
  const dependsOn = random.chance(0.3) ? ["01-a"] : [];
  return { type: "addChild", id, document: personsDocument(random, name, becomes, dependsOn) };
}

/** A person's own parts in place of a draft's. */
function edition(random: SeededRandom, id: LoopId): Command {
  const first = personsDocument(random, "01-a", "part", []);
  const second = personsDocument(random, "02-b", "part", random.chance(0.5) ? ["01-a"] : []);
  return { type: "edit", id, documents: [first, second] };
}

/** How documents of people begin, by which they are known later. */
const byPerson = "by-hand";

function personsDocument(
  random: SeededRandom,
  name: string,
  becomes: string | null,
  dependsOn: readonly string[],
): Document {
  return {
    ...{ path: `parts/${name}.md`, name, title: "by hand", text: `${byPerson}: good`, becomes },
    ...{ dependsOn, priority: null, touches: [`${random.between(1, 3)}/**`], acceptance: [] },
    validate: random.chance(0.2) ? levelCheck : null,
    allowGateChange: [],
  };
}

/** How often people planned anew, by what they did and at which level; "1" is a plan. */
export function plannedAnew(
  transactions: readonly Transaction[],
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { events } of transactions) {
    for (const event of events) {
      const deed = deedOf(event);
      if (deed === null || event.loop === null) continue;
      const key = `${deed} ${event.loop.split(".").length}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
}

function deedOf(event: Event): "reject" | "drop" | "edit" | "add" | null {
  switch (event.type) {
    case "loop.rejected":
      return "reject";
    case "loop.dropped":
      return "drop";
    case "loop.edited":
      return "edit";
    case "loop.documented":
      return event.data.documents.some(({ text }) => text.startsWith(byPerson)) ? "edit" : null;
    case "loop.created":
      return event.data.document?.startsWith(byPerson) === true ? "add" : null;
    default:
      return null;
  }
}

/** Drafts are approved; who is lost is dropped, and with the last one the parent is given up. */
export function planRemedy(state: State, loop: Loop): Command | null {
  const { id, parent, status, dropped } = loop;
  if (status === "draft") return { type: "approve", id };
  if (status === "blocked" && loop.blockedOn === "budget" && / of plan /.test(loop.reason ?? "")) {
    const raise = { budgetUsd: 1_000, budgetTokens: 1e9 };
    return { type: "resume", id: rootIdOf(loop), raise };
  }
  if (parent === null || dropped || (status !== "failed" && status !== "stopped")) return null;
  const above = state.loops.get(parent);
  if (above === undefined || isSettled(above) || above.status === "pending") return null;
  const others = childrenOf(state, parent).filter((each) => each.id !== id && !each.dropped);
  return others.length > 0 ? { type: "drop", id } : { type: "stop", id: parent };
}

/** What is planned anew, or dropped, has nobody left at work for the old plan. */
export function checkPlannedAnew(state: State, { type, loop: id }: Event): void {
  if (id === null || (type !== "loop.rejected" && type !== "loop.dropped")) return;
  for (const below of state.loops.values()) {
    if (!below.id.startsWith(`${id}.`)) continue;
    assert(isSettled(below), `${below.id} is ${below.status}, and ${id} was planned anew`);
    const isDone = below.status === "complete" || below.dropped || below.parent !== id;
    assert(isDone || type === "loop.dropped", `${below.id} is still counted below ${id}`);
  }
}

/** Nothing comes of a plan before a person has approved it, unless they did so in advance. */
export function checkApproved(state: State, event: Event, before: Before): void {
  if (event.type !== "loop.created" || event.data.parent === null) return;
  // What a person adds, they have read.
  if (event.data.document?.startsWith(byPerson) === true) return;
  const parent = before.get(event.data.parent);
  assert(parent !== undefined, `${event.loop} is born of nobody`);
  if (parent.type !== "plan" || parent.approved) return;
  assert(parent.status === "draft", `${event.loop} is born of a ${parent.status} plan`);
  assert(state.loops.get(parent.id)?.status !== "draft", `${parent.id} has children as a draft`);
}
