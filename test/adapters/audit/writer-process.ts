import { openSync, writeSync } from "node:fs";
import { argv, stdout } from "node:process";
import { openAudit } from "../../../src/adapters/audit/file-audit.ts";
import type { LoopId } from "../../../src/core/loop.ts";

/** Records until it is killed; what was anchored goes into a file, which a killed process leaves whole. */
const [, , home = "", anchoredFile = ""] = argv;
const anchored = openSync(anchoredFile, "a");
const audit = (await openAudit(home, () => Date.now())).for((text) => text);
stdout.write(".");

async function work(writer: number): Promise<never> {
  for (let n = 1; ; n += 1) {
    const input = { command: `step ${n} ${"x".repeat((n * 37) % 900)}` };
    await audit.record({
      type: "tool",
      loop: `${writer}` as LoopId,
      iteration: n,
      name: "bash",
      input,
    });
    if (n % 50 !== 0) continue;
    const head = await audit.anchor();
    writeSync(anchored, `${JSON.stringify(head)}\n`);
    stdout.write(".");
  }
}

await Promise.all([1, 2, 3, 4, 5].map(work));
