import { mkdir, readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { BackupInvalid, BackupRefused } from "../../src/adapters/store/errors.ts";
import { asUserError } from "../../src/host/errors.ts";
import { NotInTrash, WorktreeError } from "../../src/ports.ts";

test("what is not in the trash was not found; a worktree that cannot be had is wrong usage", () => {
  expect(asUserError(new NotInTrash("there is no 1"))).toMatchObject({ exitCode: 8 });
  expect(asUserError(new WorktreeError("there is one"))).toMatchObject({ exitCode: 2 });
});

test("a place that says no is no bug, and is named", async () => {
  const met = async (doing: Promise<unknown>) => asUserError(await doing.catch((error) => error));
  expect(await met(readdir("/dev/null/store"))).toMatchObject({
    exitCode: 3,
    message:
      "/dev/null/store: a part of the path is no directory (ENOTDIR). Mend that, or choose another place",
  });
  expect(await met(mkdir("/dev/null", { recursive: true }))).toMatchObject({ exitCode: 3 });
  expect(await met(readFile("/dev/null", "utf8"))).toBe("");
  const bug = await readFile("/no/such/file").catch((error) => error);
  expect(asUserError(bug)).toBe(bug);
});

test("what is given as a backup and is none is an invalid file", () => {
  expect(asUserError(new BackupInvalid("cut off"))).toMatchObject({ exitCode: 3 });
  expect(asUserError(new BackupRefused("exists already"))).toMatchObject({ exitCode: 2 });
});
