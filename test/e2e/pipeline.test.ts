import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { DraftView } from "../../src/protocol/plans.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import {
  expectDone,
  list,
  show,
  signFiles,
  until,
  withDaemon,
  withDesk,
} from "./daemon-support.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import {
  deliveredBranches,
  done,
  read,
  removePlaces,
  shell,
  type ToolCall,
  type Turn,
  write,
} from "./support.ts";

vi.setConfig({ testTimeout: 400_000 });
afterAll(removePlaces);

function document(path: string, title: string, ...lines: readonly string[]): ToolCall {
  const text = ["---", `title: ${title}`, ...lines, "---", `How to do ${title}.`, ""].join("\n");
  return write(`.td-out/${path}`, text);
}

const planned: Turn = [
  document("plan.md", "The whole plan"),
  document("specs/01-first.md", "Spec one", 'touches: ["src/**"]'),
  document("specs/02-second.md", "Spec two", "depends-on: [01-first]"),
];

const phases: Readonly<Record<string, Turn>> = {
  "Spec one": [
    document("phases/01-a.md", "Phase A"),
    document("phases/02-b.md", "Phase B"),
    document("phases/03-c.md", "Phase C", "depends-on: [01-a]"),
  ],
  "Spec two": [document("phases/01-d.md", "Phase D"), document("phases/02-e.md", "Phase E")],
};

const parts: Turn = [document("ralphs/01-x.md", "Part X"), document("ralphs/02-y.md", "Part Y")];

/** What each level says in its first turn of an iteration; then it claims to be finished. */
function turnOf(text: string, turn: number): Turn {
  const title = /```title\n(.*)\n/.exec(text)?.[1] ?? "";
  if (text.includes("/specs/NN")) {
    return turn === 0 && text.includes("pass 1 of 5") ? planned : [done];
  }
  if (text.includes("/phases/NN")) return turn === 0 ? (phases[title.slice(0, 8)] ?? []) : [done];
  if (text.includes("/ralphs/NN")) {
    return turn === 0 && title === "Phase E" ? parts : [done];
  }
  return [[read("sum.txt")], [write("sum.txt", "plus\n")], [done]][turn] ?? [];
}

const model: Policy = ({ text, turn }) => {
  const calls = turnOf(text, turn).filter((part) => typeof part !== "string");
  return { tools: calls.map(({ name, input }) => ({ name, input: { ...input } })) };
};

async function newPlan(desk: Desk, ...options: readonly string[]): Promise<LoopView> {
  const argv = ["new-plan", "Make it plus", "--validate", "./check.sh", "--json", ...options];
  return jsonOf<LoopView>(await expectDone(td(desk, argv)));
}

async function draftOf(desk: Desk): Promise<DraftView> {
  return jsonOf(await expectDone(td(desk, ["show", "1", "--documents", "--json"])));
}

function summary(loops: readonly LoopView[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type, status } of loops) {
    const key = `${type} ${status}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const all = { "plan complete": 1, "spec complete": 2, "phase complete": 5, "ralph complete": 6 };

test("from a sentence: five passes, a draft, approval, specs, phases and ralphs", () =>
  withDaemon(model, async (desk) => {
    const head = await shell(desk.repo, "git rev-parse HEAD");
    const plan = await newPlan(desk);
    expect(plan).toMatchObject({ type: "plan", status: "draft", iteration: 5 });
    const draft = await draftOf(desk);
    expect(draft.estimate).toEqual({ loops: null, costUsd: null });
    expect(draft.documents.map(({ path, becomes }) => [path, becomes])).toEqual([
      ["plan.md", null],
      ["specs/01-first.md", "spec"],
      ["specs/02-second.md", "spec"],
    ]);
    await rejectAndEdit(desk);
    await expectDone(td(desk, ["approve", "1"]));
    // Attached again: it ends when all that came of the plan is complete.
    await expectDone(td(desk, ["run", "--resume", "1", "--json"]));
    const loops = await list(desk);
    expect(summary(loops)).toEqual(all);
    expect(loops.find(({ id }) => id === "1.1")?.title).toBe("Spec one, better");
    await checkOrder(desk);
    await checkPictures(desk);
    expect(await deliveredBranches(desk.repo)).toEqual(["taskdaemon/plan-1"]);
    const { stdout: diff } = await expectDone(td(desk, ["diff", "1"]));
    const changed = await shell(desk.repo, "git diff --name-only main...taskdaemon/plan-1");
    const files = [...diff.matchAll(/^diff --git a\/(\S+)/gm)].map(([, file]) => file);
    expect(files).toEqual(changed.trim().split("\n"));
    const tip = (await shell(desk.repo, "git rev-parse taskdaemon/plan-1")).trim();
    expect(await show(desk, "1")).toMatchObject({
      branch: "taskdaemon/plan-1",
      delivered: { to: "taskdaemon/plan-1", commit: tip },
    });
    expect(await shell(desk.repo, "git rev-parse HEAD; git status --porcelain")).toBe(head);
  }));

/** One more pass with what a person says; a bad edit is refused and kept, a good one is taken. */
async function rejectAndEdit(desk: Desk): Promise<void> {
  await expectDone(td(desk, ["reject", "1", "--feedback", "Say it in fewer words."]));
  await until("the draft is refined", async () => {
    const plan = await show(desk, "1");
    return plan.status === "draft" && plan.iteration === 6;
  });
  const file = join(desk.place, "01-first.md");
  await writeFile(file, "---\ntitel: Spec one\n---\n");
  const bad = await td(desk, ["edit", "1", "--file", file]);
  expect([bad.code, bad.stderr]).toEqual([
    3,
    expect.stringContaining('specs/01-first.md:2: unknown key "titel" — did you mean "title"?'),
  ]);
  const editor = join(desk.place, "editor.sh");
  await writeFile(editor, '#!/bin/sh\necho editing\nsed -i "s/Spec one/Spec one, better/" "$@"\n', {
    mode: 0o755,
  });
  const edited = { ...desk, env: { ...desk.env, EDITOR: editor } };
  const told = await td(edited, ["--json", "edit", "1"]);
  expect([told.code, JSON.parse(told.stdout)]).toMatchObject([0, { id: "1", status: "draft" }]);
  const { documents } = await draftOf(desk);
  expect(documents[1]?.title).toBe("Spec one, better");
}

/** Nothing begins before what it waits for is complete. */
async function checkOrder(desk: Desk): Promise<void> {
  const { stdout } = await expectDone(td(desk, ["events", "--json"]));
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; loop: string; data: { to?: string } });
  const first = (type: string, loop: string, to?: string) =>
    events.findIndex((each) => each.type === type && each.loop === loop && each.data.to === to);
  expect(first("attempt.started", "1.2")).toBeGreaterThan(first("loop.status", "1.1", "complete"));
  const third = first("attempt.started", "1.1.3");
  expect(third).toBeGreaterThan(first("loop.status", "1.1.1", "complete"));
}

async function checkPictures(desk: Desk): Promise<void> {
  const tree = await expectDone(td(desk, ["tree"]));
  expect(tree.stdout).toContain("├─ 1.1 spec");
  expect(tree.stdout).toContain("│  └─ 1.1.3 phase");
  expect(tree.stdout).toContain("Spec two  after 1.1");
  const graph = await expectDone(td(desk, ["graph", "1", "--format", "mermaid"]));
  expect(graph.stdout).toContain("  l1_1 --> l1_2");
}

test("a plan approved in advance asks nobody, and ends when all of it is complete", () =>
  withDesk(model, async (desk) => {
    const plan = await newPlan(desk, "--yes");
    expect(plan).toMatchObject({ status: "complete" });
    expect(summary(await list(desk))).toEqual(all);
  }));

const type = (name: string, begets: string) =>
  `name: ${name}\ndescription: Mine.\nprompt: ${name}.hbs\ntools: [read, write]\nbegets: ${begets}\n`;

/** Three levels that nobody has programmed. */
const ownTypes = {
  ".taskdaemon/loops/epic.yml": type("epic", "{ type: part, from: parts }"),
  ".taskdaemon/loops/epic.hbs": "EPIC {{title}}\n\n{{progress}}\n",
  ".taskdaemon/loops/part.yml": type("part", "{ type: ralph, from: bits, alone: true }"),
  ".taskdaemon/loops/part.hbs": "PART {{title}}\n",
};

/** Its document is broken at first, as models' are; the next iteration is told, and mends it. */
const ownModel: Policy = (request) => {
  const { text, turn } = request;
  if (text.includes("PART ")) return { text: "There is nothing to split." };
  if (!text.includes("EPIC ")) return model(request);
  const path = ".td-out/parts/01-a.md";
  const isTold = text.includes(".td-out/parts/01-a.md:2: unknown key");
  const steps = isTold
    ? [read(path), write(path, "---\ntitle: A part\n---\n")]
    : [write(path, "---\ntitel: A part\n---\n")];
  const step = steps[turn];
  if (step === undefined) return { text: "That is all." };
  return { tools: [{ name: step.name, input: { ...step.input } }] };
};

test("a hierarchy of one's own needs no code, and a broken document is mended", () =>
  withDesk(
    ownModel,
    async (desk) => {
      const argv = ["run", "epic", "All of it", "--validate", "./check.sh", "--json"];
      const epic = jsonOf<LoopView>(await expectDone(td(desk, argv)));
      expect(epic).toMatchObject({ type: "epic", status: "complete", iteration: 2 });
      expect(summary(await list(desk))).toEqual({
        "epic complete": 1,
        "part complete": 1,
        "ralph complete": 1,
      });
    },
    { files: { ...signFiles, ...ownTypes } },
  ));
