import { canAnchor } from "../../../src/adapters/files/directory.ts";
import { filesContract } from "../../contracts/files.ts";
import { diskPlace } from "./worktree.ts";

const ripgrep = "rg";

if (canAnchor) {
  filesContract("the disk, from open directories", () => diskPlace({ anchored: true, ripgrep }));
}
filesContract("the disk, from paths", () => diskPlace({ anchored: false, ripgrep }));
filesContract("the disk without ripgrep", () => diskPlace({ anchored: canAnchor, ripgrep: null }));
