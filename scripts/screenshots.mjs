// Pictures of every screen, from the built program at work with a scripted model: docs/screens.
//   npm run screenshots [-- PATTERN]    of the shots whose name it matches, `tui/` or `web/` first
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { shootPages } from "./screens/browser.mjs";
import { openStage } from "./screens/stage.mjs";
import { shootTerminal } from "./screens/tour.mjs";

const [pattern] = process.argv.slice(2);
const wanted = new RegExp(pattern ?? "");
const screens = fileURLToPath(new URL("../docs/screens/", import.meta.url));
const dirs = { tui: join(screens, "tui"), web: join(screens, "web") };

for (const dir of Object.values(dirs)) {
  if (pattern === undefined) rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
}
const stage = await openStage();
const problems = [];
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => stage.close().finally(() => process.exit(1)));
}
try {
  const only = (kind) => ({ test: (name) => wanted.test(`${kind}/${name}`) });
  problems.push(...(await shootTerminal(stage, dirs.tui, only("tui"))));
  const { url } = await stage.td("dashboard", "--port", "0");
  problems.push(...(await shootPages({ ids: stage.ids, url }, dirs.web, only("web"))));
} finally {
  await stage.close();
}
const counts = Object.entries(dirs).map(([name, dir]) => `${name} ${readdirSync(dir).length}`);
console.log(`docs/screens: ${counts.join(", ")}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
