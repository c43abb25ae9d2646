import { ConfigError } from "../adapters/config/problem.ts";
import { HomeBusy, HomeUnusable, StoreCorrupt, StoreTooNew } from "../adapters/store/errors.ts";
import { ModelUnavailable, SandboxUnavailable, StoreBroken, WorktreeError } from "../ports.ts";
import { type ExitCode, exitCodes, UserError } from "../protocol/errors.ts";

type ErrorClass = new (...args: never[]) => Error;

/** What an adapter throws that a person can mend, and the exit code that says so. */
const userErrors: readonly (readonly [ErrorClass, ExitCode])[] = [
  [ConfigError, exitCodes.invalid],
  [HomeBusy, exitCodes.daemon],
  [HomeUnusable, exitCodes.invalid],
  [StoreCorrupt, exitCodes.invalid],
  [StoreTooNew, exitCodes.invalid],
  [StoreBroken, exitCodes.failed],
  [ModelUnavailable, exitCodes.person],
  [SandboxUnavailable, exitCodes.person],
  [WorktreeError, exitCodes.usage],
];

/** The same error as a UserError where a person can mend it, itself otherwise. */
export function asUserError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof UserError) return error;
  const known = userErrors.find(([type]) => error instanceof type);
  return known === undefined ? error : new UserError(known[1], error.message, { cause: error });
}
