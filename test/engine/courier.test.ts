import { expect, test } from "vitest";
import { SimClock } from "../../sim/clock.ts";
import type { Notice } from "../../src/core/notice.ts";
import type { State } from "../../src/core/state.ts";
import { Courier } from "../../src/engine/courier.ts";
import type { Batch, Sent } from "../../src/ports/notify.ts";
import { given, id } from "../given.ts";

const minuteMs = 60_000;
const failed: Sent = { ok: false, reason: "500", again: true };

/** One channel whose answers are given, and what it was sent. */
class Line {
  readonly clock = new SimClock();
  readonly sent: Batch[] = [];
  readonly warned: unknown[] = [];
  readonly done: (number | null)[] = [];
  readonly kept = new Map<string, number>();
  state: State = given("1 failed");
  answers: Sent[] = [];
  isOn = true;
  readonly #halt = new AbortController();
  readonly courier = new Courier(
    {
      name: "line",
      isOn: () => this.isOn,
      send: async (batch) => {
        this.sent.push(batch);
        return this.answers.shift() ?? { ok: true };
      },
    },
    {
      clock: this.clock,
      random: { next: () => 0 },
      cursors: {
        of: (channel) => this.kept.get(channel) ?? null,
        keep: async (channel, seq) => {
          this.kept.set(channel, seq);
        },
      },
      state: () => this.state,
      warn: (told) => this.warned.push(told),
      done: (notices) => this.done.push(...notices.map(({ seq }) => seq)),
    },
  );

  start(): Promise<void> {
    return this.courier.run(this.#halt.signal);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.run(() => false, this.clock.now() + ms);
  }

  halt(): void {
    this.#halt.abort();
  }

  get seqs(): (number | null)[][] {
    return this.sent.map(({ notices }) => notices.map(({ seq }) => seq));
  }
}

function notice(seq: number, more: Partial<Notice> = {}): Notice {
  const words = { title: "", repo: null, reason: `${seq}`, remedy: "" };
  return { event: "alert", at: 0, seq, loop: null, status: null, ...words, ...more };
}

function opened(): Line {
  const line = new Line();
  void line.start();
  return line;
}

test("what comes together goes together, and the next only after a rest", async () => {
  const line = opened();
  await line.pass(0);
  line.courier.tell(notice(1));
  line.courier.tell(notice(2));
  await line.pass(2_999);
  expect(line.seqs).toEqual([]);
  await line.pass(1);
  expect(line.seqs).toEqual([[1, 2]]);
  expect(line.kept.get("line")).toBe(2);
  for (let seq = 3; seq <= 12; seq += 1) {
    line.courier.tell(notice(seq));
    await line.pass(1_000);
  }
  await line.pass(minuteMs);
  expect(line.seqs).toHaveLength(2);
  expect(line.seqs[1]).toHaveLength(10);
  line.halt();
});

test("what fails for now is tried again, and what is given up is told", async () => {
  const line = opened();
  line.answers = [failed, failed];
  line.courier.tell(notice(1));
  await line.pass(minuteMs);
  expect(line.sent).toHaveLength(3);
  expect(new Set(line.sent.map((batch) => batch.id)).size).toBe(1);
  expect(line.courier.problem).toBeNull();
  line.answers = Array.from({ length: 20 }, () => failed);
  line.courier.tell(notice(2));
  await line.pass(10 * minuteMs);
  expect(line.sent).toHaveLength(9);
  expect(line.courier.problem).toBe("500");
  expect(line.warned).toEqual([{ channel: "line", reason: "500", notices: 1 }]);
  expect(line.kept.get("line")).toBe(2);
  expect(line.done).toEqual([1, 2]);
  line.isOn = false;
  expect(line.courier.problem).toBeNull();
  line.halt();
});

test("what can never get through is tried once", async () => {
  const line = opened();
  line.answers = [{ ok: false, reason: "410", again: false }];
  line.courier.tell(notice(1));
  await line.pass(10 * minuteMs);
  expect(line.sent).toHaveLength(1);
  line.halt();
});

test("what is behind the cursor was told already, and what holds no more is not", async () => {
  const line = opened();
  line.kept.set("line", 5);
  line.courier.tell(notice(5));
  line.courier.tell(notice(6, { loop: id("1"), status: "blocked" }));
  await line.pass(minuteMs);
  expect(line.sent).toEqual([]);
  expect(line.kept.get("line")).toBe(6);
  line.courier.tell(notice(7, { loop: id("1"), status: "failed" }));
  await line.pass(minuteMs);
  expect(line.seqs).toEqual([[7]]);
  line.halt();
});

test("the oldest go when there are too many, and are counted", async () => {
  const line = opened();
  for (let seq = 1; seq <= 1_010; seq += 1) line.courier.tell(notice(seq));
  await line.pass(minuteMs);
  expect(line.sent).toHaveLength(1);
  expect(line.sent[0]).toMatchObject({ dropped: 10 });
  expect(line.seqs[0]).toHaveLength(1_000);
  expect(line.seqs[0]?.[0]).toBe(11);
  line.halt();
});

test("a stop does not wait, and what was not told stays to be told", async () => {
  const line = new Line();
  const run = line.start();
  line.courier.tell(notice(1));
  expect(line.courier.isIdle).toBe(false);
  await line.pass(1_000);
  line.halt();
  await run;
  expect([line.sent, line.kept.size, line.courier.isIdle]).toEqual([[], 0, false]);
});

test("what a stop breaks off while it is tried again was not told", async () => {
  const line = new Line();
  const run = line.start();
  line.answers = Array.from({ length: 20 }, () => failed);
  line.courier.tell(notice(1));
  await line.pass(3_500);
  expect(line.sent).toHaveLength(1);
  line.halt();
  await run;
  expect([line.kept.size, line.warned, line.courier.isIdle]).toEqual([0, [], false]);
});

test("a channel that is off is told nothing", async () => {
  const line = opened();
  line.isOn = false;
  line.courier.tell(notice(1));
  await line.pass(minuteMs);
  expect(line.sent).toEqual([]);
  line.halt();
});
