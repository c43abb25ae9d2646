import { expect, test } from "vitest";
import { graphOf, mermaidOf, treeOf } from "../../src/views/graph.ts";
import { loop } from "../cli/fake-program.ts";

const loops = [
  loop("7.10", { parent: "7", title: "last" }),
  loop("7.2", { parent: "7", title: 'a "bad" <b>]; end', dependsOn: ["7.10", "3"] }),
  loop("7", { status: "delegated", type: "plan" }),
  loop("7.2.1", { parent: "7.2" }),
];

test("children stand under their parents, in the order of their numbers", () => {
  const [root, ...others] = treeOf(loops, null);
  expect(others).toEqual([]);
  expect(root?.children.map(({ id }) => id)).toEqual(["7.2", "7.10"]);
  expect(root?.children[0]?.children.map(({ id }) => id)).toEqual(["7.2.1"]);
  expect(treeOf(loops, "7.2").map(({ id, children }) => [id, children.length])).toEqual([
    ["7.2", 1],
  ]);
  expect(treeOf(loops, "8")).toEqual([]);
});

test("an edge says who waits for whom, among those that are there", () => {
  const { nodes, edges } = graphOf(loops);
  expect(nodes.map(({ id }) => id)).toEqual(["7", "7.2", "7.2.1", "7.10"]);
  expect(edges).toEqual([{ from: "7.10", to: "7.2" }]);
});

test("a title cannot break out of its label in Mermaid", () => {
  const lines = mermaidOf(graphOf(loops)).split("\n");
  expect(lines).toContain("  l7_10 --> l7_2");
  expect(lines).toContain("  l7 -.-> l7_2");
  expect(lines.find((line) => line.startsWith("  l7_2["))).toBe(
    '  l7_2["7.2 ralph · pending<br/>a #34;bad#34; #60;b#62;#93;#59; end"]:::pending',
  );
});
