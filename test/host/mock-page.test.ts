import { expect, test } from "vitest";
import { serve } from "../../src/host/mock-page.ts";

test("a scenario that cannot be read is an invalid file, named", async () => {
  for (const scenarioFile of ["/no/such/scenario.yaml", "/dev"]) {
    const request = { port: 0, scenarioFile, write: () => undefined };
    await expect(serve(request, AbortSignal.timeout(60_000))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(`cannot read the scenario ${scenarioFile}: it is `),
    });
  }
});
