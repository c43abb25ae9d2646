import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { ReportView } from "../../src/views/report.ts";
import { expectDone, runDetached, untilStatus, withDaemon } from "./daemon-support.ts";
import { jsonOf, td } from "./program.ts";
import { done, loopTimeoutMs, read, removePlaces, scripted, write } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

const cheating = scripted([
  [read("sum.txt"), read("check.sh")],
  [
    write("sum.txt", "plus <script>alert(1)</script>\n"),
    write("check.sh", "#!/bin/sh\ngrep -q plus sum.txt # ok\n"),
  ],
  [done],
]);

test("the report tells what was asked, allowed and changed, in every form alike", async () => {
  await withDaemon(cheating, async (desk) => {
    await runDetached(desk);
    await untilStatus(desk, "1", "blocked");
    await expectDone(td(desk, ["answer", "1", "allow"]));
    await untilStatus(desk, "1", "complete");

    const view = jsonOf<ReportView>(await expectDone(td(desk, ["--json", "report", "1"])));
    expect(view).toMatchObject({
      ...{ id: "1", request: "Mend it.", status: "complete", isWhole: true },
      ...{ before: { passed: false }, after: { passed: true } },
      protectedChanges: [{ path: "check.sh", allowed: true }],
      questions: [{ answer: "allow" }],
    });
    expect(view.after?.commit).toBe(view.headCommit);
    const [own] = view.changes;
    expect(own?.files.map(({ path, added }) => [path, added])).toEqual([
      ["check.sh", 1],
      ["sum.txt", 1],
    ]);

    const { stdout } = await expectDone(td(desk, ["report", "1"]));
    expect(stdout).toContain("## Protected files\n\n- `check.sh` in `1`: a person allowed it");
    const out = join(desk.place, "report.html");
    await expectDone(td(desk, ["report", "1", "--out", out]));
    const html = readFileSync(out, "utf8");
    expect(html).toContain("plus &lt;script&gt;");
    expect(html).not.toContain("<script");

    expect((await td(desk, ["report", "9"])).code).toBe(8);
    expect((await td(desk, ["report", "1", "--out", join(desk.place, "none", "x")])).code).toBe(2);
  });
});
