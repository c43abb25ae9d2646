import { describe, expect, test } from "vitest";
import { call } from "./call.ts";
import { letter } from "./fake-mail.ts";
import { FakeProgram, loop } from "./fake-program.ts";

const dead = { ...letter, status: "dead", reason: "no answer in time" };

describe("td send", () => {
  test("alert reaches many and says whom", async () => {
    const program = new FakeProgram(loop("1"));
    program.mail.sent = [letter, { ...letter, id: "m2", to: "2" }];
    const told = await call(program, ["send", "alert", "api", "it changed", "--plan", "1"]);
    expect(told).toMatchObject({ code: 0, out: "on its way to 1, 2\n", err: "" });
    expect(program.mail.asked).toEqual([
      { kind: "alert", topic: "api", body: "it changed", dir: "/repo", plan: "1" },
    ]);
    const alone = await call(new FakeProgram(), ["send", "alert", "api", "it changed"]);
    expect(alone).toMatchObject({ code: 8, out: "" });
  });

  test("query prints the answer, without what a terminal would obey", async () => {
    const program = new FakeProgram(loop("1"));
    program.mail.settled = { ...letter, status: "answered", answer: "half\u001b[2J way" };
    const told = await call(program, ["send", "query", "1", "How far?", "--timeout", "5"]);
    expect(told).toMatchObject({ code: 0, out: "half way\n" });
    expect(program.mail.asked).toEqual([
      { kind: "query", to: "1", body: "How far?", timeoutMs: 5_000 },
    ]);
    const json = await call(program, ["--json", "send", "query", "1", "How far?"]);
    expect(JSON.parse(json.out)).toMatchObject({ id: "m1", status: "answered" });
  });

  test("query that nobody answers ends with 1 and says why", async () => {
    const program = new FakeProgram(loop("1"));
    program.mail.settled = dead;
    const told = await call(program, ["-q", "send", "query", "1", "How far?"]);
    expect(told).toEqual({
      code: 1,
      out: "",
      err: "td: m1 is a dead letter: no answer in time\n(td dead-letters requeue m1 tries again)\n",
    });
  });

  test("share and stop say what becomes of it", async () => {
    const program = new FakeProgram(loop("1"));
    expect(await call(program, ["send", "share", "1", "port 8080"])).toMatchObject({
      code: 0,
      out: "1 will read it at its next turn\n",
    });
    expect(await call(program, ["send", "stop", "1"])).toMatchObject({
      code: 0,
      out: "1 is stopped\n",
    });
    expect(program.mail.asked.at(-1)).toEqual({ kind: "stop", to: "1", body: "no longer needed" });
    program.mail.sent = [dead];
    expect(await call(program, ["send", "share", "1", "x"])).toMatchObject({ code: 1, out: "" });
  });

  test.each([
    [["send"]],
    [["send", "alert", "api"]],
    [["send", "query", "1", " "]],
    [["send", "query", "1", "?", "--timeout", "0"]],
    [["send", "letter", "1", "x"]],
    [["send", "1", "the port is 8080"]],
    [["dead-letters", "requeue"]],
  ])("%j is wrong usage", async (argv) => {
    expect(await call(new FakeProgram(loop("1")), argv)).toMatchObject({ code: 2, out: "" });
  });
});

test("td send alone says what can be sent, and an alert needs a plan that there is", async () => {
  const program = new FakeProgram(loop("1"));
  expect((await call(program, ["send"])).err).toBe(
    "td: td send what? There are: alert, query, share, stop (td send --help explains them)\n",
  );
  expect((await call(program, ["send", "1", "x"])).err).toContain("td send --help explains it");
  const { code, err } = await call(program, ["send", "alert", "api", "x", "--plan", "7"]);
  expect([code, err]).toEqual([8, "td: there is no plan 7: td list shows what there is\n"]);
});

test("td dead-letters lists, requeues and drops", async () => {
  const program = new FakeProgram(loop("1"));
  expect(await call(program, ["dead-letters"])).toMatchObject({
    code: 0,
    out: "",
    err: "there are no dead letters\n",
  });
  program.mail.letters = [dead];
  expect((await call(program, ["dead-letters"])).out).toMatchInlineSnapshot(`
    "ID  KIND   FROM    TO  REASON             MESSAGE
    m1  query  person  1   no answer in time  How far?
    "
  `);
  const json = await call(program, ["--json", "dead-letters", "list"]);
  expect(JSON.parse(json.out)).toEqual([dead]);
  expect((await call(program, ["dead-letters", "requeue", "m1"])).out).toBe(
    "m1 is on its way to 1 again\n",
  );
  expect((await call(program, ["dead-letters", "drop", "m1"])).out).toBe("m1 is dropped\n");
  expect(program.mail.asked).toEqual([{ drop: "m1" }]);
  expect(await call(program, ["dead-letters", "drop", "m7"])).toMatchObject({ code: 8, out: "" });
});

test("td questions is the inbox, as it is ordered by what each holds up", async () => {
  const program = new FakeProgram(loop("1"));
  expect((await call(program, ["questions"])).err).toBe("nobody waits for your answer\n");
  const askedAt = new Date(Date.now() - 7_200_000).toISOString();
  program.mail.questions = [
    { id: "2", type: "ralph", title: "b", about: "gate", question: "ci.yml?", holdsUp: 3, askedAt },
    { id: "1", type: "ralph", title: "a", about: "question", question: "x?", holdsUp: 0, askedAt },
  ];
  const told = await call(program, ["questions"]);
  expect(told.out).toMatchInlineSnapshot(`
    "ID  ABOUT     HOLDS UP  AGE  QUESTION
    2   gate             3   2h  ci.yml?
    1   question         0   2h  x?
    "
  `);
  expect(told.err).toContain("td answer 2");
  const json = await call(program, ["--json", "questions"]);
  expect(JSON.parse(json.out)).toEqual(program.mail.questions);
});
