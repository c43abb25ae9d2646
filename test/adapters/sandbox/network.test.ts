import { spawnSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandbox, type SrtSandbox } from "../../../src/adapters/sandbox/sandbox.ts";
import { canary, optionsFor, requestFor, runnerPath, type Stage, setStage } from "./stage.ts";

const never = new AbortController().signal;
const stages: Stage[] = [];
let server: Server;
let port = 0;

beforeAll(async () => {
  server = createServer((_, response) => response.end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});

afterAll(() => {
  server.close();
  for (const stage of stages) stage.remove();
});

interface Place {
  readonly sandbox: SrtSandbox;
  /** What a command that may reach this machine alone gets from the server. */
  readonly ask: () => Promise<string>;
}

/** The sandbox of one repository: a daemon has one for each. */
async function place(): Promise<Place> {
  const stage = setStage();
  stages.push(stage);
  const sandbox = await createSandbox(optionsFor(stage));
  const command = `curl -sS -m 5 --noproxy '' http://localhost:${port}/ 2>&1`;
  const settings = { networkAllow: ["localhost"] };
  const ask = async () =>
    (await sandbox.run(requestFor(stage, command, { settings }), never)).output;
  return { sandbox, ask };
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s, by which a daemon drains, ends nobody's network",
  async (name) => {
    const before = process.listeners(name);
    const { sandbox, ask } = await place();
    expect(await ask()).toBe("hello");
    for (const each of process.listeners(name)) if (!before.includes(each)) each(name);
    expect(await ask()).toBe("hello");
    await sandbox.close();
  },
);

test("two that begin at once both reach their hosts, and one that ends takes nothing from the other", async () => {
  const [one, two] = await Promise.all([place(), place()]);
  expect(await Promise.all([one.ask(), two.ask()])).toEqual(["hello", "hello"]);
  await one.sandbox.close();
  expect(await two.ask()).toBe("hello");
  await two.sandbox.close();
  const three = await place();
  expect(await three.ask()).toBe("hello");
  await three.sandbox.close();
});

test("what was left open to the daemon is open to no command, nor to the relay beside it", () => {
  const stage = setStage();
  stages.push(stage);
  // Beyond a gap in the numbers: those without one node closes to its children.
  const opened = 'exec 51<"$1"; shift; exec "$@"';
  const options = JSON.stringify({ ...optionsFor(stage), redact: null });
  const command = "cat /proc/[0-9]*/fd/51/key; echo the end";
  const settings = { networkAllow: ["localhost"] };
  const { stdout } = spawnSync(
    "bash",
    ["-c", opened, "bash", stage.home, process.execPath, runnerPath, options],
    { input: `${JSON.stringify(requestFor(stage, command, { settings }))}\n`, encoding: "utf8" },
  );
  expect(stdout).toContain("the end");
  expect(stdout).not.toContain(canary);
});
