// Compiles src/ to dist/.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";

const tsc = "node_modules/typescript/bin/tsc";
if (!existsSync(tsc)) {
  console.error("build: no compiler; run `npm ci` with development dependencies");
  process.exit(existsSync("dist/main.js") ? 0 : 1);
}
rmSync("dist", { recursive: true, force: true });
const built = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });
if (built.status !== 0) process.exit(built.status ?? 1);
