import fc from "fast-check";
import { expect, test } from "vitest";
import type { BoardRow } from "../../src/protocol/board.ts";
import { draw } from "../../src/tui/draw.ts";
import { keysIn } from "../../src/tui/key-file.ts";
import { actions, bindingOf, remapped } from "../../src/tui/keys.ts";
import { type Effect, firstModel, type Message, type Model } from "../../src/tui/model.ts";
import { Screen } from "../../src/tui/screen.ts";
import { update } from "../../src/tui/update.ts";
import { complete, loop, startedAt } from "../cli/fake-program.ts";
import { diskAlert, statusView } from "../cli/fake-status.ts";
import { id } from "../given.ts";

const { keys } = remapped({});
const rows: readonly BoardRow[] = [
  loop("7", { type: "plan", title: "billing rewrite", status: "delegated" }),
  loop("7.2", { type: "spec", parent: "7", title: "sessions", status: "delegated" }),
  loop("7.2.1", { parent: "7.2", title: "修复 auth 😀", status: "running", iteration: 7 }),
  loop("7.10", { type: "spec", parent: "7", title: "later", status: "draft" }),
  loop("8", { title: "done", ...complete }),
  loop("9", { title: "asks", status: "blocked", blockedOn: "question", reason: "Which?" }),
];

interface Played {
  readonly model: Model;
  readonly effects: readonly Effect[];
}

function play(messages: readonly Message[], columns = 120, high = 40): Played {
  let model = firstModel({ columns, rows: high, now: startedAt, keys, theme: "dark" });
  const effects: Effect[] = [];
  const first: readonly Message[] = [
    { type: "link", link: "live" },
    { type: "rows", rows, isFirst: true },
    { type: "status", status: statusView },
  ];
  for (const message of [...first, ...messages]) {
    const step = update(model, message);
    model = step.model;
    effects.push(...step.effects);
  }
  return { model, effects };
}

const press = (...names: readonly string[]): Message[] =>
  names.map((key) => ({ type: "key", key }));
const ids = ({ model }: Played) => model.lists.executions.rows.map(({ id }) => id);
const selected = ({ model }: Played) => model.lists.executions.selected;
const typed = (text: string) => press(...[...text].map((key) => (key === " " ? "space" : key)));

test("the tree has every loop after its parent, 7.2 before 7.10", () => {
  expect(ids(play([]))).toEqual(["7", "7.2", "7.2.1", "7.10", "8", "9"]);
});

test("folding hides what is below, and unfolding shows it", () => {
  const folded = play(press("j", "h"));
  expect(ids(folded)).toEqual(["7", "7.2", "7.10", "8", "9"]);
  expect(ids(play(press("j", "h", "right")))).toHaveLength(6);
});

test("a filter keeps those above what passes; Escape takes one step back at a time", () => {
  const filtered = play([...press("/"), ...typed("status:running"), ...press("enter")]);
  expect(ids(filtered)).toEqual(["7", "7.2", "7.2.1"]);
  const once = play([...press("/"), ...typed("auth"), ...press("enter", "enter", "escape")]);
  expect([once.model.pane, ids(once).length]).toEqual(["list", 3]);
  const twice = play([...press("/"), ...typed("auth"), ...press("enter", "escape", "escape")]);
  expect(ids(twice)).toHaveLength(6);
});

test("a filter that is given up is as it was before", () => {
  const given = play([...press("/"), ...typed("x"), ...press("escape")]);
  expect(given.model.lists.executions.filter).toBe("");
});

test("what is marked and not in sight is left alone, and stays marked", () => {
  const away = [...press("4", "space", "3", "/"), ...typed("auth"), ...press("enter")];
  const { effects, model } = play([...away, ...press("p")]);
  expect(effects.filter(({ type }) => type === "act")).toEqual([
    { type: "act", verb: "pause", ids: ["7"] },
  ]);
  expect([...model.marks]).toEqual(["8"]);
});

test("who has spent its budget is asked a new limit, and goes on with that", () => {
  const spent: Message = {
    type: "rows",
    rows: [
      {
        ...loop("9", { title: "asks", status: "blocked", blockedOn: "budget", reason: "spent" }),
        usage: { ...loop("9").usage, costUsd: 0.4 },
      },
    ],
    isFirst: false,
  };
  const given = (text: string) =>
    play([spent, ...press("G", "r"), ...typed(text), ...press("enter")]);
  expect(given("2.50").effects.at(-1)).toEqual({ type: "raise", id: "9", budgetUsd: 2.5 });
  for (const text of ["much", "0.39"]) {
    const { model, effects } = given(text);
    const isAsked = effects.some(({ type }) => type === "raise");
    expect([model.notice?.isError, isAsked]).toEqual([true, false]);
  }
});

test("a refusal for want of a daemon is gone once the daemon is back", () => {
  const refused: readonly Message[] = [
    { type: "link", link: "lost" },
    { type: "notice", text: "the daemon does not answer", isError: true },
  ];
  expect(play(refused).model.notice).not.toBeNull();
  expect(play([...refused, { type: "link", link: "live" }]).model.notice).toBeNull();
});

test("what went by is added to the output of who is at work, not to a record", () => {
  const went = (of: string): Message => ({
    type: "live",
    loop: of,
    events: [{ loop: id(of), iteration: 1, type: "note", text: "went by" }],
  });
  const page = (messages: readonly Message[]) => JSON.stringify(play(messages).model.page.lines);
  expect(page([...press("j", "j"), went("7.2.1")])).toContain("went by");
  expect(page([...press("4"), went("8")])).not.toContain("went by");
});

test("questions are whole where there is room", () => {
  const asked = (id: string): Message => ({
    type: "questions",
    questions: ["8", id].map((each) => ({
      id: each,
      title: "asks",
      type: "ralph",
      about: "question",
      question: `${"word ".repeat(30)}end${each}`,
      holdsUp: 0,
      askedAt: new Date(startedAt).toISOString(),
    })),
  });
  const { model } = play([...press("!"), asked("9")]);
  const text = shown(model).join("\n");
  expect(text).toContain("end8");
  expect(text).toContain("end9");
  expect(text).toContain("2 questions");
});

test("actions concern what is marked, and then the marks are gone", () => {
  const { effects, model } = play(press("space", "space", "p"));
  expect(effects.filter(({ type }) => type === "act")).toEqual([
    { type: "act", verb: "pause", ids: ["7", "7.2"] },
  ]);
  expect(model.marks.size).toBe(0);
});

test("stop asks before it stops", () => {
  expect(play(press("x")).effects.filter(({ type }) => type === "act")).toEqual([]);
  expect(play(press("x", "n", "y")).effects.filter(({ type }) => type === "act")).toEqual([]);
  expect(play(press("x", "y")).effects).toContainEqual({ type: "act", verb: "stop", ids: ["7"] });
});

test("a frozen list stands still, and then shows everything that came", () => {
  const more: Message = { type: "rows", rows: [loop("10", { title: "new" })], isFirst: false };
  expect(ids(play([...press("f"), more]))).toHaveLength(6);
  expect(ids(play([...press("f"), more, ...press("f")]))).toHaveLength(7);
});

test("the selection stays on its loop when others come before it", () => {
  const more: Message = { type: "rows", rows: [loop("1", { title: "new" })], isFirst: false };
  expect(selected(play([...press("j", "j"), more]))).toBe("7.2.1");
});

test("the page of the selection is asked for, and another page's text is not taken", () => {
  const { effects } = play(press("j", "]"));
  const loads = effects.flatMap((effect) => (effect.type === "load" ? [effect.key] : []));
  expect(loads).toEqual(["output|7|", "output|7.2|", "diff|7.2|"]);
  const late = play([...press("j"), { type: "page", key: "output|7|", lines: [[]] }]);
  expect(late.model.page.lines).toEqual([]);
});

test("q leaves, Ctrl-C leaves when it comes twice, Escape never does", () => {
  const leaves = (...names: string[]) =>
    play(press(...names)).effects.some(({ type }) => type === "quit");
  expect([leaves("q"), leaves("C-c", "C-c"), leaves("C-c", "j", "C-c")]).toEqual([
    true,
    true,
    false,
  ]);
  expect(leaves(...new Array<string>(10).fill("escape"))).toBe(false);
});

test("every action has a key of its own, and the palette finds and does it", () => {
  const all = actions.flatMap((action) => keys[action]);
  expect(new Set(all).size).toBe(all.length);
  const { model } = play([...press(":"), ...typed("records"), ...press("enter")]);
  expect(model.view).toBe("records");
});

test("keys are remapped by name; a key that would do two things is refused", () => {
  expect(remapped({ pause: "P" }).keys.pause).toEqual(["P"]);
  expect(remapped({ pause: "r" })).toMatchObject({ problem: expect.stringContaining("r is") });
  expect(remapped({ dance: "D" }).problem).toContain("dance");
});

const escapeCode = String.fromCharCode(27);
const placed = new RegExp(`${escapeCode}\\[(\\d+);(\\d+)H([^${escapeCode}]*)`, "g");

/** The rows of the screen as text. */
function shown(model: Model): string[] {
  const screen = new Screen(model.columns, model.rows);
  draw(screen, model);
  const lines = Array.from({ length: model.rows }, () => " ".repeat(model.columns));
  for (const [, y, x, text = ""] of screen.flush(() => "").matchAll(placed)) {
    const line = lines[Number(y) - 1] ?? "";
    const at = Number(x) - 1;
    lines[Number(y) - 1] = line.slice(0, at) + text + line.slice(at + text.length);
  }
  return lines;
}

const everyKey = [...actions.flatMap((action) => keys[action]), ..."xyz", "backspace", "C-c"];

test("whatever is pressed, in whatever size, there is a screen and one selection in its list", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...everyKey), { maxLength: 40 }),
      fc.integer({ min: 20, max: 200 }),
      fc.integer({ min: 6, max: 60 }),
      (pressed, columns, high) => {
        const { model } = play(press(...pressed), columns, high);
        expect(shown(model)).toHaveLength(high);
        for (const list of Object.values(model.lists)) {
          const isThere = list.rows.some(({ id }) => id === list.selected);
          expect(isThere || list.rows.length === 0).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("the help is made of the key table", () => {
  const text = shown(play(press("?"), 120, 61).model).join("\n");
  for (const action of actions) expect(text).toContain(bindingOf(action).help.slice(0, 40));
});

test.each([
  [120, "$1.00/$50.00 today"],
  [90, "$1.00/$50.00"],
  [60, "$1.00"],
])("at %i columns the header says what runs and what today cost", (columns, money) => {
  const budget = { ...statusView.budget, daySpentUsd: 1, dayUsd: 50 };
  const loops = { running: 3, pending: 4, blocked: 2, failed: 1, complete: 7 };
  const status: Message = { type: "status", status: { ...statusView, budget, loops } };
  const [header] = shown(play([status], columns, 24).model);
  for (const words of ["●3 ◌4 ◆2 ✗1", money, "live"]) expect(header).toContain(words);
});

test("alerts are told in the header, and with their remedies over the screen", () => {
  const told: Message = { type: "status", status: { ...statusView, alerts: [diskAlert] } };
  const text = (names: readonly string[], columns: number) =>
    shown(play([told, ...press(...names)], columns, 24).model).join("\n");
  expect(text([], 120)).toContain(" nothing new starts: only 1 GB is free  ");
  for (const columns of [120, 60]) {
    const over = text(["@"], columns);
    for (const words of [
      "alerts (1)",
      "critical, since",
      "only 1 GB is free",
      "→ td trash empty",
    ]) {
      expect(over).toContain(words);
    }
    expect(text(["@", "@"], columns)).not.toContain("→ td trash empty");
  }
  expect(shown(play(press("@")).model).join("\n")).toContain("All is as it should be.");
});

test("a file of keys holds, and one that is none changes nothing and says what was expected", () => {
  expect(keysIn('{"pause": "P", "down": ["j", "C-n"]}')).toMatchObject({
    keys: { pause: ["P"], down: ["j", "C-n"], resume: ["r"] },
    problem: null,
  });
  for (const text of ["{", "[]", "3", '{"pause": 1}', '{"pause": ""}']) {
    expect(keysIn(text)).toEqual({ keys, problem: expect.stringContaining("expected JSON") });
  }
});

test("o opens what is selected at the dashboard: a plan where plans are, else the loop", () => {
  const paths = ({ effects }: Played) =>
    effects.flatMap((effect) => (effect.type === "browse" ? [effect.path] : []));
  expect(paths(play(press("j", "o", "2", "o")))).toEqual(["/loop/7.2", "/plan/7"]);
});

test("a plan's graph is asked for anew when anything below it changes, and only then", () => {
  const loads = (changed: BoardRow) => {
    const { effects } = play([
      ...press("2", "]"),
      { type: "rows", rows: [changed], isFirst: false },
    ]);
    return effects.flatMap((effect) =>
      effect.type === "load" && effect.page === "graph" ? [effect.ids] : [],
    );
  };
  const child = rows.find(({ id }) => id === "7.2.1") ?? loop("7.2.1", {});
  expect(loads({ ...child, status: "failed" })).toEqual([["7"], ["7"]]);
  expect(loads({ ...child, iteration: 8 })).toEqual([["7"]]);
  expect(loads(loop("8", { title: "done", status: "failed" }))).toEqual([["7"]]);
});
