/** Configuration that changes while a loop works: a real daemon, and what its model was told. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { ConfigVersion } from "../../src/adapters/config/history.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import { expectDone, status, until, untilStatus } from "./daemon-support.ts";
import { endProcessesOf } from "./processes.ts";
import { type Desk, feed, loopOf, makeDesk, td } from "./program.ts";
import { done, loopTimeoutMs, read, removePlaces, scripted, write } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

const files = {
  "sum.txt": "minus\n",
  "check.sh": "#!/bin/sh\ngrep -q plus sum.txt\n",
  "taskdaemon.yml": "validation: { command: ./check.sh, protect: [keep.txt] }\n",
  ".taskdaemon/loops/mender.yml": "name: mender\nextends: ralph\nprompt: mender.hbs\n",
  ".taskdaemon/loops/mender.hbs":
    "FIRST WORDS, iteration {{iteration}} of at most 100\n{{> context}}",
};

/** Each iteration waits, once it is under way, until it is let go. */
async function waitingDesk(modelUrl: string): Promise<Desk> {
  const desk = await makeDesk({ modelUrl, files });
  await mkdir(desk.home, { mode: 0o711 });
  const [at, go] = [join(desk.place, "tmp/at"), join(desk.place, "tmp/go")];
  const command = `touch ${at}-$TD_ITERATION; until [ -e ${go}-$TD_ITERATION ]; do sleep 0.1; done`;
  const text = `validation: { stuck-after: 9 }\nhooks: { before-iteration: ${JSON.stringify(command)} }\n`;
  await writeFile(join(desk.home, "taskdaemon.yml"), text, { mode: 0o600 });
  await expectDone(td(desk, ["start"]));
  return desk;
}

const underWay = ({ place }: Desk, iteration: number) =>
  until(`iteration ${iteration} is under way`, () =>
    existsSync(join(place, `tmp/at-${iteration}`)),
  );
const letGo = ({ place }: Desk, iteration: number) =>
  writeFile(join(place, `tmp/go-${iteration}`), "");

/** How often the daemon's log has said it. */
async function said({ home }: Desk, words: string): Promise<number> {
  const log = await readFile(join(home, "logs", "daemon.log"), "utf8");
  return log.split(words).length - 1;
}

const readAgain = "the configuration was read again";

test("a good change is the next iteration's, a bad one changes nothing, a switched branch no gate", async () => {
  const mock = await startMockLlm({
    policy: scripted(
      [[done]],
      [[done]],
      [[done]],
      [[read("sum.txt")], [write("sum.txt", "plus\n")], [done]],
    ),
  });
  const desk = await waitingDesk(mock.url);
  const loops = join(desk.repo, ".taskdaemon/loops");
  const git = (...args: string[]) => execFileSync("git", ["-C", desk.repo, ...args]);
  try {
    const { id } = loopOf(
      await expectDone(td(desk, ["--json", "run", "mender", "Mend.", "--detach"])),
    );
    await underWay(desk, 1);
    await writeFile(
      join(loops, "mender.hbs"),
      "SECOND WORDS, iteration {{iteration}} of at most 100\n{{> context}}",
    );
    await until("it was read", async () => (await said(desk, readAgain)) === 1);
    await letGo(desk, 1);

    await underWay(desk, 2);
    await writeFile(join(loops, "mender.yml"), "name: mender\nextends: ralph\ntools: [raed]\n");
    await until("it says so", async () => (await status(desk)).config.problem !== null);
    expect((await status(desk)).config.problem).toMatch(
      /mender\.yml:3:9: unknown tool "raed" — did you mean "read"\?/,
    );
    expect(await td(desk, ["run", "mender", "More.", "--detach"])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("mender.yml:3:9"),
    });
    await letGo(desk, 2);

    await underWay(desk, 3);
    expect(await said(desk, "is broken: the last good one holds")).toBe(1);
    git("checkout", "--quiet", "--", ".");
    await until("it was read", async () => (await said(desk, readAgain)) === 2);
    git("switch", "--quiet", "--create", "other");
    git("rm", "--quiet", "-r", ".taskdaemon");
    const loose = 'validation: { command: "true" }\nworktree: { setup: "false" }\n';
    await writeFile(join(desk.repo, "taskdaemon.yml"), loose);
    await until("it was read", async () => (await said(desk, readAgain)) >= 3);
    for (const iteration of [3, 4]) await letGo(desk, iteration);

    await untilStatus(desk, id, "complete");
    const loop = loopOf(await expectDone(td(desk, ["--json", "show", id])));
    expect(loop).toMatchObject({ iteration: 4, verdict: { command: "./check.sh" } });
    const told = new Map(
      mock.journal().map(({ body }) => {
        const text = JSON.stringify(body);
        return [/(\w+) WORDS, iteration (\d)/.exec(text)?.[2], /(\w+) WORDS/.exec(text)?.[1]];
      }),
    );
    expect(Object.fromEntries(told)).toEqual({ 1: "FIRST", 2: "SECOND", 3: "SECOND", 4: "FIRST" });
    const created = (await feed(desk)).find(({ type }) => type === "loop.created");
    expect(created?.data).toMatchObject({
      settings: { gate: { protect: ["keep.txt"] }, sandbox: { level: "required" } },
    });
    const versions = (await feed(desk)).flatMap(({ type, data }) =>
      type === "iteration.started" ? [(data as { typeVersion: string }).typeVersion] : [],
    );
    expect(versions[1]).toBe(versions[2]);
    expect(versions[0]).toBe(versions[3]);
    expect(versions[0]).not.toBe(versions[1]);
    await remembered(desk, versions);
  } finally {
    await endProcessesOf(desk.place);
    await mock.close();
  }
});

/** Every version that an iteration went by can be looked up, and come back. */
async function remembered(desk: Desk, versions: readonly string[]): Promise<void> {
  const told = await expectDone(td(desk, ["--json", "config", "history"]));
  const history = JSON.parse(told.stdout) as readonly ConfigVersion[];
  const known = history.map(({ types }) => types["mender"]);
  for (const version of versions) expect(known).toContain(version);
  const second = history.find(({ types }) => types["mender"] === versions[1]);
  await rm(join(desk.repo, "taskdaemon.yml"));
  await expectDone(td(desk, ["config", "rollback", second?.id ?? "", "--yes"]));
  const prompt = await readFile(join(desk.repo, ".taskdaemon/loops/mender.hbs"), "utf8");
  expect(prompt).toContain("SECOND WORDS");
  expect(await readFile(join(desk.repo, "taskdaemon.yml"), "utf8")).toBe(files["taskdaemon.yml"]);
}
