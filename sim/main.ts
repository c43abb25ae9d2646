import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { simulate } from "./simulate.ts";

/**
 * A process's share. A life that is broken off leaves what it waited for behind, as the process
 * would that it stands for: some hundred kilobytes, until this one ends.
 */
const livesPerProcess = 1_000;

async function main(from: number, count: number): Promise<void> {
  const startedAt = performance.now();
  const lived = count <= livesPerProcess ? await live(from, count) : await share(from, count);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  if (process.send !== undefined) process.send(lived);
  else console.log(`${lived} of ${count} lives green in ${seconds} s`);
  if (lived < count) process.exitCode = 1;
}

/** How many lived, up to the first that did not come to a good end. */
async function live(from: number, count: number): Promise<number> {
  for (let lived = 0; lived < count; lived += 1) {
    const seed = from + lived;
    try {
      const report = await simulate(seed);
      if (count <= 5) console.log(report);
    } catch (error) {
      console.error(`seed ${seed}:`, error);
      console.error(`again with: npm run sim -- ${seed}`);
      return lived;
    }
  }
  return count;
}

/** As many processes at once as there are cores; none begins once a life has gone wrong. */
async function share(from: number, count: number): Promise<number> {
  let lived = 0;
  let begun = 0;
  const work = async () => {
    while (begun < count && process.exitCode === undefined) {
      const first = from + begun;
      const mine = Math.min(livesPerProcess, count - begun);
      begun += mine;
      const green = await livedBy(fork(fileURLToPath(import.meta.url), [`${first}`, `${mine}`]));
      lived += green;
      if (green < mine) process.exitCode = 1;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return lived;
}

async function livedBy(child: ChildProcess): Promise<number> {
  let lived = 0;
  child.on("message", (told) => {
    lived = Number(told);
  });
  await once(child, "exit");
  return lived;
}

const [from, count] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 1)];
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  console.error("usage: npm run sim -- FIRST_SEED [COUNT]");
  process.exit(2);
}
await main(from, count);
