// Bundles src/ to dist/, and the web page to dist/web/.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";

const vite = "node_modules/vite/bin/vite.js";
if (!existsSync("node_modules/rolldown") || !existsSync(vite)) {
  console.error("build: no bundler; run `npm ci` with development dependencies");
  process.exit(existsSync("dist/main.js") ? 0 : 1);
}
rmSync("dist", { recursive: true, force: true });
run(["scripts/bundle.mjs"]);
run([vite, "build", "web"]);

function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
