import { expect, test } from "vitest";
import { call } from "./call.ts";
import { FakeProgram } from "./fake-program.ts";

test("runs a loop to its end and prints what it is", async () => {
  const { code, out, err } = await call(new FakeProgram(), ["run", "ralph", "fix it"]);
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "✓ complete  1  Make the tests pass
      branch      taskdaemon/1
      verdict     \`npm test\` passed on bbbbbbbbbb (12 tests, 1.2 s)
      iterations  2 of 10
      usage       12.3k tokens in 5 requests, $0.12
      next        git merge taskdaemon/1 (td diff 1 shows the changes)
    "
  `);
  expect(err).toMatchInlineSnapshot(`
    "validation: npm test  (detected: package.json scripts.test)
    "
  `);
});
