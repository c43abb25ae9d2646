import { worktreesContract } from "../../contracts/worktrees.ts";
import { makeScene, readIn, sh } from "./support.ts";

worktreesContract("git", async () => {
  const scene = await makeScene();
  const { worktrees, repo, base, write, close } = scene;
  return {
    ...{ worktrees, repo, base, write, close },
    read: async (dir, path) => readIn(dir, path),
    branch: async (name) =>
      sh(repo, `git rev-parse -q --verify 'refs/heads/${name}' || true`).trim() || null,
  };
});
