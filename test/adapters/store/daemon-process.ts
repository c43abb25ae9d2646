/** Creates loops in a home for ever, with many snapshots; says the number of each acknowledged. */
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { JsonlTaskStore } from "../../../src/adapters/store/jsonl-task-store.ts";
import { diskFiles } from "../../../src/adapters/store/log-file.ts";
import { StateManager } from "../../../src/engine/state-manager.ts";
import { brief } from "../../given.ts";

const [home = "", every = "25"] = argv.slice(2);
const store = await JsonlTaskStore.open({
  home,
  files: diskFiles,
  segmentBytesMax: 20_000,
  snapshotEvery: Number(every),
});
const clock = { now: () => Date.now(), sleepUntil: () => Promise.resolve() };
const states = await StateManager.open({ clock, random: { next: () => 0.5 }, store }, 5);
writeSync(1, `0 ${states.state.loops.size}\n`);
for (;;) {
  const loop = { ...brief(), status: "pending" } as const;
  await Promise.all(Array.from({ length: 4 }, () => states.submit({ type: "createLoop", loop })));
  writeSync(1, `${states.state.loops.size}\n`);
}
