import { expect, test } from "vitest";
import { call } from "./call.ts";
import { FakeProgram } from "./fake-program.ts";
import { diskAlert } from "./fake-status.ts";

const sent = { channel: "webhook", state: "sent", message: "to example.org, not signed" } as const;
const failed = {
  channel: "command",
  state: "failed",
  message: "it ended\u001b[2J with 4",
} as const;
const off = { channel: "desktop", state: "off", message: "there is no notify-send here" } as const;

test("td notify test says what became of each, and is a success when somebody was told", async () => {
  const program = new FakeProgram();
  program.notified = [off, sent];
  expect(await call(program, ["notify", "test"])).toEqual({
    code: 0,
    out: "- desktop  off      there is no notify-send here\n✓ webhook  sent     to example.org, not signed\n",
    err: "",
  });
  const { code, out } = await call(program, ["notify", "--json"]);
  expect([code, JSON.parse(out)]).toEqual([0, { ok: true, channels: [off, sent] }]);
});

test("one that fails is a failure, and so is that there is none", async () => {
  const program = new FakeProgram();
  program.notified = [sent, failed];
  const told = await call(program, ["notify", "test"]);
  expect(told).toMatchObject({ code: 1, err: "" });
  expect(told.out).toContain("✗ command  failed   it ended with 4\n");
  program.notified = [off, failed];
  expect(await call(program, ["notify", "test"])).toMatchObject({ code: 1, err: "" });
  program.notified = [off];
  const nobody = await call(program, ["notify", "test"]);
  expect(nobody.code).toBe(1);
  expect(nobody.err).toContain("nobody was told: `notify:` in the user-level taskdaemon.yml");
});

test("td status tells alerts with their remedies", async () => {
  const program = new FakeProgram();
  program.alerts = [diskAlert];
  const { out } = await call(program, ["status"]);
  expect(out).toContain("critical    nothing new starts: only 1 GB is free → td trash empty\n");
  const json = await call(program, ["status", "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ alerts: [diskAlert] });
});
