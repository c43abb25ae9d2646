import { simulate } from "./simulate.ts";

const [from, count] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 1)];
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  console.error("usage: npm run sim -- FIRST_SEED [COUNT]");
  process.exit(2);
}
const startedAt = performance.now();
let lived = 0;
for (let seed = from; seed < from + count; seed += 1) {
  try {
    const report = await simulate(seed);
    lived += 1;
    if (count <= 5) console.log(report);
  } catch (error) {
    console.error(`seed ${seed}:`, error);
    console.error(`again with: npm run sim -- ${seed}`);
    process.exitCode = 1;
    break;
  }
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
console.log(`${lived} of ${count} lives green in ${seconds} s`);
