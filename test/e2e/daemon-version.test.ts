/** A client that meets a daemon of another version, over a real socket. */
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pid } from "node:process";
import { afterAll, expect, test, vi } from "vitest";
import { expectDone, mending, pidOf, untilStatus, withDesk } from "./daemon-support.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

interface Served {
  /** Method and path of all that was asked. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Knows what every version has: ping, and shutdown, by which it leaves. */
async function serve({ home }: Desk, version: string): Promise<Served> {
  await mkdir(home, { recursive: true, mode: 0o711 });
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const known: Readonly<Record<string, object>> = {
      "/v1/ping": { version },
      "/v1/shutdown": { ok: true },
    };
    const answer = known[request.url ?? ""];
    const status = answer === undefined ? 404 : 200;
    const body = answer ?? { error: `there is no ${request.url}`, exitCode: 8 };
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(body));
    if (request.url === "/v1/shutdown") server.close();
  });
  await new Promise<void>((done) => server.listen(join(home, "daemon.sock"), done));
  // A number of somebody else's: nobody may take it for the daemon's.
  await writeFile(join(home, "daemon.pid"), `${pid}\n`);
  const close = () => new Promise<void>((done) => server.close(() => done()));
  return { asked, close };
}

const detached = ["--json", "run", "ralph", "Mend it.", "--validate", "./check.sh", "--detach"];

test("an older daemon is left alone unasked, and drained and replaced for who agrees", () =>
  withDesk(mending, async (desk) => {
    const old = await serve(desk, "0.0.1");
    const refused = await td(desk, detached);
    expect(refused).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/daemon is version 0\.0\.1, this td is .*td restart drains/),
    });
    expect(old.asked.every((line) => line === "GET /v1/ping")).toBe(true);
    const { id } = jsonOf<{ id: string }>(await expectDone(td(desk, [...detached, "--yes"])));
    expect(old.asked).toContain("POST /v1/shutdown");
    expect(pidOf(desk)).not.toBe(pid);
    await untilStatus(desk, id, "complete");
  }));

test("a newer daemon is not spoken to, and its loops are not touched", () =>
  withDesk(mending, async (desk) => {
    const newer = await serve(desk, "99.0.0");
    for (const args of [detached, [...detached, "--yes"]]) {
      expect(await td(desk, args)).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(/daemon is version 99\.0\.0.*use the newer td/),
      });
    }
    expect(newer.asked.every((line) => line === "GET /v1/ping")).toBe(true);
    await newer.close();
  }));
