// Compiles src/ to dist/, and the web page to dist/web/.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";

const tsc = "node_modules/typescript/bin/tsc";
const vite = "node_modules/vite/bin/vite.js";
if (!existsSync(tsc) || !existsSync(vite)) {
  console.error("build: no compiler; run `npm ci` with development dependencies");
  process.exit(existsSync("dist/main.js") ? 0 : 1);
}
rmSync("dist", { recursive: true, force: true });
run([tsc, "-p", "tsconfig.build.json"]);
run([vite, "build", "web"]);

function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
