import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { LoopView } from "../../src/views/loop-view.ts";
import { expectDone, mending, untilNobody, withDesk } from "./daemon-support.ts";
import { type Desk, jsonOf, loopOf, td } from "./program.ts";
import { removePlaces, shell } from "./support.ts";

vi.setConfig({ testTimeout: 120_000 });
afterAll(removePlaces);

const url = "https://example.org/o/r/pull/1";
const gh = `#!/bin/sh
[ "$2" = view ] && exit 1
for each; do case "$each" in --body-file=*) cp "\${each#*=}" "$HOME/body.md";; esac; done
echo "$GH_TOKEN $*" > "$HOME/called"; echo ${url}
`;

test("work is proposed with its report; without gh it is a branch, and td merge --pr tries again", () =>
  withDesk(mending, async (plain) => {
    const bin = join(plain.place, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "away"), gh);
    await chmod(join(bin, "away"), 0o755);
    const PATH = [bin, plain.env["PATH"]].join(delimiter);
    const desk: Desk = { ...plain, env: { ...plain.env, PATH, GH_TOKEN: "of-the-user" } };
    await shell(
      desk.repo,
      `git branch -M main; git init -q --bare '${desk.place}/remote.git'
       git remote add origin '${desk.place}/remote.git'; git push -q -u origin main`,
    );
    const options = ["--validate", "./check.sh", "--deliver", "pr"];
    const told = await expectDone(td(desk, ["--json", "run", "ralph", "Mend it.", ...options]));
    const loop = loopOf(told);
    expect(loop).toMatchObject({ status: "complete", pullRequest: null });
    expect(loop.delivered).toEqual({ to: "taskdaemon/1", commit: loop.headCommit });
    expect(loop.reason).toMatch(/^there is no pull request: gh is not on the daemon's PATH/);
    expect((await td(desk, ["merge", "1", "--pr"])).code).toBe(5);

    await rename(join(bin, "away"), join(bin, "gh"));
    const again = await expectDone(td(desk, ["--json", "merge", "1", "--pr"]));
    expect(jsonOf<LoopView>(again)).toMatchObject({ status: "complete", pullRequest: url });
    expect(await readFile(join(desk.place, "called"), "utf8")).toMatch(
      /^of-the-user pr create --head=taskdaemon\/1 --base=main --title=Mend it\. --body-file=/,
    );
    const body = await readFile(join(desk.place, "body.md"), "utf8");
    expect(body).toMatch(/^# Loop `1`: `Mend it\.`\n/);
    expect(body).toContain("- **Status** `complete`");
    expect(await shell(desk.repo, "git ls-remote origin taskdaemon/1")).toContain(loop.headCommit);
    expect((await td(desk, ["show", "1"])).stdout).toContain(url);
    expect((await td(desk, ["report", "1"])).stdout).toContain(url);
    await td(desk, ["stop", "--now"]);
    await untilNobody(desk);
  }));
