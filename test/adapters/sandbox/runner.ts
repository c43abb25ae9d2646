import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { createSandbox } from "../../../src/adapters/sandbox/sandbox.ts";

// A sandbox in its own process: options as the first argument, a request a line, a result a line.
const sandbox = await createSandbox({ ...JSON.parse(argv[2] ?? "{}"), redact: (text) => text });
const runs: Promise<unknown>[] = [];
for await (const line of createInterface({ input: stdin })) {
  const run = sandbox
    .run(JSON.parse(line), new AbortController().signal)
    .catch((error: Error) => ({ output: `rejected: ${error.message}`, exitCode: -1 }))
    .then((result) => stdout.write(`${JSON.stringify(result)}\n`));
  runs.push(run);
}
await Promise.all(runs);
await sandbox.close();
