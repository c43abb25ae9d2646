import { expect, test } from "vitest";
import { asUserError } from "../../src/host/errors.ts";
import { NotInTrash, WorktreeError } from "../../src/ports.ts";

test("what is not in the trash was not found; a worktree that cannot be had is wrong usage", () => {
  expect(asUserError(new NotInTrash("there is no 1"))).toMatchObject({ exitCode: 8 });
  expect(asUserError(new WorktreeError("there is one"))).toMatchObject({ exitCode: 2 });
});
