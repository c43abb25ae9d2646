import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { noUsage } from "../../src/core/loop.ts";
import type { ChatLive } from "../../src/ports/chat.ts";
import type { ChatView } from "../../src/protocol/chat.ts";
import { layDraft } from "../../src/tui/chat-draft.ts";
import { type ChatDoing, newChat } from "../../src/tui/chat-model.ts";
import { draw } from "../../src/tui/draw.ts";
import { textIn } from "../../src/tui/editor.ts";
import { actions, remapped } from "../../src/tui/keys.ts";
import { firstModel, type Message, type Model } from "../../src/tui/model.ts";
import { Screen } from "../../src/tui/screen.ts";
import { update } from "../../src/tui/update.ts";
import { loop } from "../cli/fake-program.ts";

const { keys } = remapped({});

interface Played {
  readonly model: Model;
  readonly doings: readonly ChatDoing[];
}

function play(messages: readonly Message[], columns = 90, rows = 28): Played {
  const first = firstModel({ columns, rows, now: 0, keys, theme: "dark" });
  let model: Model = { ...first, chat: newChat("/repo/shop") };
  const doings: ChatDoing[] = [];
  const live: Message = { type: "link", link: "live" };
  const list: Message = { type: "rows", rows: [loop("7", { title: "t" })], isFirst: true };
  for (const message of [live, list, ...messages]) {
    const step = update(model, message);
    model = step.model;
    doings.push(...step.effects.flatMap((effect) => (effect.type === "chat" ? effect.does : [])));
  }
  return { model, doings };
}

const press = (...names: readonly string[]): Message[] =>
  names.map((key) => ({ type: "key", key }));
const type = (text: string) => press(...[...text].map((key) => (key === " " ? "space" : key)));
const open = press("1");
const live = (...events: readonly ChatLive[]): Message[] =>
  events.map((event) => ({ type: "chat", news: { type: "live", run: 1, event } }));
const closed: Message = {
  type: "chat",
  news: { type: "closed", run: 1, error: null, isStopped: false },
};
const usage = { ...noUsage, costUsd: 0.02, requests: 1 };
const done: ChatLive = { type: "ended", ended: "done", reason: null, usage };
const asked = [...open, ...type("Where is it?"), ...press("enter")];
const draftOf = ({ model }: Played) => textIn(model.chat.draft);
const blocksOf = ({ model }: Played) => model.chat.blocks.map(({ from, text }) => [from, text]);

const escapeCode = String.fromCharCode(27);
const placed = new RegExp(`${escapeCode}\\[(\\d+);(\\d+)H([^${escapeCode}]*)`, "g");

/** The rows of the screen as text, each wide cluster in two columns. */
function shown(model: Model): string[] {
  const screen = new Screen(model.columns, model.rows);
  draw(screen, model);
  const lines = Array.from({ length: model.rows }, () => {
    return new Array<string>(model.columns).fill(" ");
  });
  for (const [, y, x, text = ""] of screen.flush(() => "").matchAll(placed)) {
    let at = Number(x) - 1;
    for (const { segment } of new Intl.Segmenter().segment(text)) {
      const wide = Math.max(1, stringWidth(segment));
      lines[Number(y) - 1]?.splice(at, wide, segment, ...new Array<string>(wide - 1).fill(""));
      at += wide;
    }
  }
  return lines.map((line) => line.join(""));
}

describe("while one writes", () => {
  test("no letter does what it does elsewhere, and Escape leaves the line", () => {
    const played = play([...open, ...type("2q?/p:x fine")]);
    expect(draftOf(played)).toBe("2q?/p:x fine");
    expect([played.model.view, played.model.overlay]).toEqual(["chat", null]);
    expect(play([...open, ...press("escape", "2")]).model.view).toBe("plan");
    const back = play([...open, ...press("escape", "j", "i"), ...type("j")]);
    expect(draftOf(back)).toBe("j");
  });

  test("every key of the table leaves a screen, whether one writes or not", () => {
    for (const key of actions.flatMap((action) => keys[action])) {
      for (const before of [open, [...open, ...press("escape")]]) {
        const { model } = play([...before, ...press(key)]);
        expect(shown(model)).toHaveLength(28);
      }
    }
  });

  test("nothing is done to loops that are marked elsewhere", () => {
    const marked = [...press("3", "space"), ...open, ...press("escape", "p", "x", "y", "a")];
    const { model } = play(marked);
    expect([model.marks.size, model.overlay]).toEqual([1, null]);
  });

  test("Alt-Enter, Ctrl-J, a backslash and a paste make lines; Enter sends them", () => {
    const lines = [
      ...type("a"),
      ...press("M-enter"),
      ...type("b\\"),
      ...press("enter", "c", "C-j"),
    ];
    const { doings } = play([
      ...open,
      ...lines,
      { type: "paste", text: "d\r\ne" },
      ...press("enter"),
    ]);
    expect(doings).toEqual([
      {
        type: "send",
        run: 1,
        request: { chat: null, dir: "/repo/shop", model: null, text: "a\nb\nc\nd\ne" },
      },
    ]);
  });

  test("words, lines and what was sent come and go", () => {
    expect(draftOf(play([...open, ...type("one two"), ...press("C-w")]))).toBe("one ");
    const two = [...open, ...type("one"), ...press("M-enter"), ...type("two")];
    expect(draftOf(play([...two, ...press("up", "home"), ...type("x")]))).toBe("xone\ntwo");
    expect(draftOf(play([...two, ...press("C-u")]))).toBe("one\n");
    const twice = [...asked, ...live(done), closed, ...type("own")];
    expect(draftOf(play([...twice, ...press("up")]))).toBe("Where is it?");
    expect(draftOf(play([...twice, ...press("up", "down")]))).toBe("own");
  });

  test("a line is as wide as its box, whatever is written, and the caret is in it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: "grapheme" }),
        fc.integer({ min: 4, max: 30 }),
        (before, after, columns) => {
          const { rows, caret } = layDraft({ before, after }, columns);
          for (const row of rows) expect(stringWidth(row)).toBeLessThanOrEqual(columns);
          expect(caret.column).toBeLessThanOrEqual(columns);
          expect(caret.row).toBeLessThan(rows.length);
        },
      ),
    );
  });
});

describe("an answer", () => {
  const began: ChatLive = { type: "began", chat: "c3", model: "anthropic/m" };
  const stream = [
    began,
    { type: "turn", turn: 1 },
    { type: "text", text: "Let me " },
    { type: "text", text: "look." },
    { type: "tool", name: "grep", summary: "it" },
    { type: "toolDone", name: "grep", isError: true },
    { type: "turn", turn: 2 },
    { type: "text", text: "Here." },
  ] as const satisfies readonly ChatLive[];

  test("is shown as it comes, and goes on with the conversation", () => {
    const played = play([...asked, ...live(...stream)]);
    expect(blocksOf(played)).toEqual([
      ["person", "Where is it?"],
      ["model", "Let me look."],
      ["failed", "grep it"],
      ["model", "Here."],
    ]);
    expect(shown(played.model).join("\n")).toContain("Esc stops");
    const next = play([
      ...asked,
      ...live(...stream, done),
      closed,
      ...type("ok"),
      ...press("enter"),
    ]);
    expect(next.doings.at(-1)).toMatchObject({ run: 2, request: { chat: "c3", text: "ok" } });
    expect(shown(next.model).join("\n")).toContain("$0.02");
  });

  test("that is asked for again loses what had come of it", () => {
    const again: ChatLive = { type: "again", reason: "cut" };
    const played = play([...asked, ...live(began, { type: "text", text: "Half" }, again)]);
    expect(blocksOf(played).map(([from]) => from)).toEqual(["person", "note"]);
  });

  test("is stopped by Escape, and what comes of it afterwards is not taken", () => {
    const { doings, model } = play([...asked, ...press("escape")]);
    expect(doings.at(-1)).toEqual({ type: "stop" });
    expect(model.chat.isTyping).toBe(true);
    const renewed = [
      ...asked,
      ...live(began),
      ...type("/new"),
      ...press("enter"),
      ...live(...stream),
    ];
    const fresh = play(renewed);
    expect([fresh.model.chat.id, blocksOf(fresh)]).toEqual([null, []]);
    expect(fresh.doings.at(-1)).toEqual({ type: "stop" });
  });

  test("that fails says why, in the view", () => {
    const error = "No API key for anthropic: restart the daemon with ANTHROPIC_API_KEY set";
    const news = { type: "closed", run: 1, error, isStopped: false } as const;
    const { model } = play([...asked, { type: "chat", news }]);
    expect(shown(model).join("\n")).toContain("No API key for anthropic");
    expect(model.chat.busy).toBeNull();
  });

  test("a second message waits for the first one's answer", () => {
    const { doings, model } = play([...asked, ...type("more"), ...press("enter")]);
    expect([doings.length, textIn(model.chat.draft)]).toEqual([1, "more"]);
  });

  test("follows its end until one scrolls up, and again from the end on", () => {
    const long: ChatLive = { type: "text", text: "line\n".repeat(100) };
    const up = play([...asked, ...live(began, long), ...press("pageup")]);
    expect(up.model.chat.follows).toBe(false);
    const down = play([...asked, ...live(began, long), ...press("pageup", "pagedown", "pagedown")]);
    expect(down.model.chat.follows).toBe(true);
  });
});

describe("slash commands", () => {
  const command = (text: string) =>
    play([...asked, ...live(done), closed, ...type(text), ...press("enter")]);

  test("one that there is not says which was meant, and stays to be mended", () => {
    const played = command("/modle");
    expect(blocksOf(played).at(-1)).toEqual(["error", "there is no /modle: did you mean /model?"]);
    expect(draftOf(played)).toBe("/modle");
  });

  test("Tab completes, a path is no command", () => {
    expect(draftOf(play([...open, ...type("/hi"), ...press("tab")]))).toBe("/history ");
    expect(command("/etc/hosts is what?").doings.at(-1)).toMatchObject({ type: "send", run: 2 });
  });

  test("plan, history, model, repo, clear, cost, stop and help do what they say", () => {
    const begun = [...asked, ...live({ type: "began", chat: "c3", model: "a/m" }, done), closed];
    const inTalk = (text: string) => play([...begun, ...type(text), ...press("enter")]);
    expect(inTalk("/plan keep it small").doings.at(-1)).toEqual({
      type: "plan",
      chat: "c3",
      words: "keep it small",
    });
    expect(inTalk("/history").model.overlay).toEqual({ type: "chats", index: 0 });
    expect(inTalk("/model openai/gpt").model.chat.model).toBe("openai/gpt");
    expect(inTalk("/repo lib").model.chat).toMatchObject({ dir: "/repo/shop/lib", id: null });
    expect(inTalk("/clear").model.chat).toMatchObject({ id: "c3", blocks: [] });
    expect(blocksOf(inTalk("/cost")).at(-1)?.[1]).toContain("$0.02");
    expect(blocksOf(inTalk("/stop")).at(-1)?.[1]).toBe("nothing is being answered");
    expect(blocksOf(inTalk("/help")).at(-1)?.[1]).toContain("/plan");
    expect(blocksOf(play([...open, ...type("/plan"), ...press("enter")])).at(-1)?.[0]).toBe("note");
  });

  test("an earlier conversation is opened from the list", () => {
    const head = {
      ...{ id: "c1", repo: "/repo/shop", title: "再见 old", model: "a/m", asked: 1, usage },
      ...{ createdAt: "1970-01-01T00:00:00.000Z", updatedAt: "1970-01-01T00:00:00.000Z" },
    };
    const listed: Message = { type: "chat", news: { type: "listed", heads: [head] } };
    const there = [...open, ...type("/history"), ...press("enter"), listed];
    expect(shown(play(there).model).join("\n")).toContain("再见 old");
    expect(play([...there, ...press("j", "enter")]).doings.at(-1)).toEqual({
      type: "open",
      id: "c1",
    });
    const at = "1970-01-01T00:00:00.000Z";
    const view: ChatView = {
      ...head,
      entries: [
        { from: "person", text: "Old question", at },
        {
          from: "model",
          parts: [{ type: "text", text: "Old answer" }],
          model: "a/m",
          ...{ ended: "done" as const, reason: null, usage, at },
        },
      ],
    };
    const opened = play([
      ...there,
      ...press("enter"),
      { type: "chat", news: { type: "opened", view } },
    ]);
    expect(blocksOf(opened)).toEqual([
      ["person", "Old question"],
      ["model", "Old answer"],
    ]);
    expect(opened.model.chat.id).toBe("c1");
  });
});

const hostile = "\u001b]0;evil\u0007\u001b[2J\u202eright\u001b[31m 修复😀";

test.each([
  [120, 40],
  [90, 28],
  [60, 20],
  [20, 6],
])(
  "at %i × %i what a model says neither acts on the screen nor bends its frames",
  (columns, rows) => {
    const text = `# ${hostile}\n\`\`\`\n${"修".repeat(200)}\n`;
    const events = live({ type: "tool", name: hostile, summary: hostile }, { type: "text", text });
    const { model } = play([...asked, ...events, ...type("书写😀 ".repeat(20))], columns, rows);
    const screen = new Screen(columns, rows);
    draw(screen, model);
    const sent = screen.flush(() => "");
    for (const control of ["\u001b]0", "\u001b[2Jr", "\u202e", "\u0007"]) {
      expect(sent.includes(control)).toBe(false);
    }
    for (const line of shown(model)) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    const frames = shown(model).filter((line) => /^[╭╰│]/u.test(line));
    expect(frames.filter((line) => stringWidth(line) !== columns)).toEqual([]);
  },
);
