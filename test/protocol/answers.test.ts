import { describe, expect, test } from "vitest";
import { feedMessageOf, refusalOf, unknownAnswer, versionOf } from "../../src/protocol/answers.ts";
import { exitCodes, UserError } from "../../src/protocol/errors.ts";

const strange = [null, undefined, 7, "version", [], {}, { version: 1 }, { error: {}, exitCode: 4 }];

describe("of what no daemon says", () => {
  test.each(strange)("%j is nothing made", (answer) => {
    expect(versionOf(answer)).toBeNull();
    expect(refusalOf(answer)).toBeNull();
    expect(feedMessageOf(answer)).toBeNull();
  });

  test("a person hears the beginning, and what to do", () => {
    const error = unknownAnswer({ kind: "x".repeat(100_000) });
    expect(error).toBeInstanceOf(UserError);
    expect(error.exitCode).toBe(exitCodes.daemon);
    expect(error.message).toContain("td restart");
    expect(error.message.length).toBeLessThan(500);
  });
});

test("what a daemon says is read, with fields that are not known here", () => {
  expect(versionOf({ version: "1.2.3", since: 1 })).toBe("1.2.3");
  const refusal = refusalOf({ error: "no loop 7", exitCode: 8, more: true });
  expect(refusal).toMatchObject({ message: "no loop 7", exitCode: exitCodes.notFound });
  const live = { kind: "live", event: { type: "note" } };
  expect(feedMessageOf(live)).toEqual(live);
  expect(feedMessageOf({ ...live, kind: "else" })).toBeNull();
});
