// The tests run real sandboxed commands: says what the machine lacks, or as root installs it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const needed = { bwrap: "bubblewrap", socat: "socat", rg: "ripgrep", git: "git", tmux: "tmux" };
/** Without them the tests of the dashboard and of completions are skipped, and say so. */
const wanted = { chromium: "chromium", zsh: "zsh", fish: "fish" };

const missing = process.platform === "linux" ? missingPackages({ ...needed, ...wanted }) : [];
if (missing.length > 0) {
  const install = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid() === 0 && has("apt-get")) {
    console.error(`installing what the tests need: ${missing.join(", ")}`);
    run("apt-get update -qq");
    run(`${install} -qq`);
  }
  const left = missingPackages(needed);
  if (left.length > 0) {
    console.error(`The tests need ${left.join(", ")}. Install them first: sudo ${install}`);
    process.exit(1);
  }
}

function missingPackages(programs) {
  return Object.entries(programs)
    .filter(([program]) => !has(program))
    .map(([, name]) => name);
}

function has(program) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .some((directory) => existsSync(join(directory, program)));
}

function run(command) {
  spawnSync("sh", ["-c", command], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}
