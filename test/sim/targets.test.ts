import { SimRepository } from "../../sim/git.ts";
import { SimTargets } from "../../sim/targets.ts";
import { targetsContract } from "../contracts/targets.ts";

targetsContract("the simulator's git", async () => {
  const repository = new SimRepository();
  const { branches, checkouts } = repository;
  const tree = new Map([
    ["same.txt", "same\n"],
    ["a.txt", "one\n"],
  ]);
  const base = repository.commit(tree, null);
  branches.set("main", base);
  const targets = new SimTargets(repository, { step: async () => undefined });
  return {
    ...{ targets, repo: "/repo", base },
    commit: async (parent, files) => {
      const next = new Map(repository.tree(parent));
      for (const [path, text] of Object.entries(files)) {
        if (text === null) next.delete(path);
        else next.set(path, text);
      }
      return repository.commit(next, parent);
    },
    files: async (commit) => Object.fromEntries(repository.tree(commit)),
    parents: async (commit) => repository.parents(commit),
    checkOut: async ({ inTheWay }) => {
      checkouts.set("/repo", { branch: "main", isDirty: inTheWay });
      return "/repo";
    },
    close: async () => undefined,
  };
});
