import { expect, test } from "vitest";
import { configSchema } from "../../src/adapters/config/schema.ts";
import { checkServers } from "../../src/host/servers-check.ts";
import type { Surroundings } from "../../src/host/surroundings.ts";

test("doctor says of a server which program or variable is not there, and starts none", async () => {
  const servers = {
    good: { command: "sh -c 'exit 1'" },
    gone: { command: "no-such-program --stdio" },
    keyless: { command: "sh", env: ["NOT_SET"] },
    shelled: { command: "A=b no-such-program" },
  };
  const config = { config: configSchema.parse({ mcp: { servers } }) };
  const around = { env: { PATH: process.env["PATH"] } } as unknown as Surroundings;
  const checks = await checkServers({ config } as never, around);
  expect(checks.map(({ name, state, message }) => [name, state, message])).toEqual([
    ["mcp good", "ok", "sh -c 'exit 1'"],
    ["mcp gone", "warning", "there is no program no-such-program"],
    ["mcp keyless", "warning", "NOT_SET is not set"],
    ["mcp shelled", "ok", "A=b no-such-program"],
  ]);
});
