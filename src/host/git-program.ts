import { gitVersion } from "../adapters/git/git.ts";

const floor = [2, 39] as const;
const remedy = `install git ${floor.join(".")} or newer`;

/** The git of this machine: its version, or what is wrong with it and what to do. */
export type GitProgram =
  | { readonly version: string }
  | { readonly problem: string; readonly remedy: string };

export async function findGit(): Promise<GitProgram> {
  const version = await gitVersion();
  if (version === null) return { problem: "git is not installed", remedy };
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < floor[0] || (major === floor[0] && minor < floor[1]);
  return isOld ? { problem: `git ${version} is too old`, remedy } : { version };
}
