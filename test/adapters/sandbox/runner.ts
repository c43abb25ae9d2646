import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { createSandbox } from "../../../src/adapters/sandbox/sandbox.ts";

// A sandbox in its own process: options as the first argument, a request a line, a result a line.
const sandbox = await createSandbox({ ...JSON.parse(argv[2] ?? "{}"), redact: (text) => text });
for await (const line of createInterface({ input: stdin })) {
  const result = await sandbox
    .run(JSON.parse(line), new AbortController().signal)
    .catch((error: Error) => ({ output: `rejected: ${error.message}`, exitCode: -1 }));
  stdout.write(`${JSON.stringify(result)}\n`);
}
await sandbox.close();
