import { expect, test } from "vitest";
import type { Document } from "../../src/core/documents.ts";
import { estimateOf, estimateOfType } from "../../src/core/estimate.ts";
import { given, loop, spent } from "../given.ts";

function becomes(type: string | null): Document {
  const lists = { dependsOn: [], touches: [], acceptance: [], allowGateChange: [] };
  const words = { path: "a.md", name: "a", title: "A", text: "a" };
  return { ...words, ...lists, becomes: type, priority: null, validate: null };
}

const draft = loop("9 draft", { documents: [becomes(null), becomes("spec"), becomes("spec")] });

test("without history nothing is known, and that is not nothing", () => {
  expect(estimateOf(given(draft), draft)).toEqual({ loops: null, costUsd: null });
});

test("loops and cost follow what loops of the same types have come to", () => {
  const state = given(
    draft,
    loop("1 complete", { type: "spec", usage: spent(1, 1) }),
    loop("1.1 complete", { usage: spent(1, 2) }),
    loop("1.2 complete", { usage: spent(1, 4) }),
    loop("1.3 stopped", { usage: spent(1, 100), dropped: true }),
  );
  expect(estimateOf(state, draft)).toEqual({ loops: 6, costUsd: 14 });
});

test("one loop of a type costs what such loops have cost, with all below them", () => {
  const state = given(
    loop("1 complete", { type: "spec", usage: spent(1, 1) }),
    loop("1.1 complete", { usage: spent(1, 2) }),
    loop("1.2 complete", { usage: spent(1, 4) }),
  );
  const of = (type: string) => estimateOfType(state, { repo: "/repo", type });
  expect(of("ralph")).toEqual({ loops: 1, costUsd: 3 });
  expect(of("spec")).toEqual({ loops: 3, costUsd: 7 });
  expect(of("plan")).toEqual({ loops: null, costUsd: null });
});

test("a cost that is unknown in the history stays unknown", () => {
  const state = given(draft, loop("1 complete", { type: "spec", usage: spent(1, null) }));
  expect(estimateOf(state, draft)).toEqual({ loops: 2, costUsd: null });
});

test("another repository's history says nothing", () => {
  const state = given(draft, loop("1 complete", { type: "spec", repo: "/other" }));
  expect(estimateOf(state, draft).loops).toBeNull();
});
