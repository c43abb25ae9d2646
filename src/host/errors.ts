import { ConfigError } from "../adapters/config/problem.ts";
import {
  BackupInvalid,
  BackupRefused,
  codeOf,
  HomeBusy,
  HomeUnusable,
  NoSuchEvent,
  StoreCorrupt,
  StoreTooNew,
  said,
} from "../adapters/store/errors.ts";
import { ModelUnavailable } from "../ports/llm.ts";
import { NotInTrash, SandboxUnavailable, StoreBroken, WorktreeError } from "../ports.ts";
import { type ExitCode, exitCodes, UserError } from "../protocol/errors.ts";

type ErrorClass = new (...args: never[]) => Error;

/** What an adapter throws that a person can mend, and the exit code that says so. */
const userErrors: readonly (readonly [ErrorClass, ExitCode])[] = [
  [ConfigError, exitCodes.invalid],
  [HomeBusy, exitCodes.daemon],
  [HomeUnusable, exitCodes.invalid],
  [StoreCorrupt, exitCodes.invalid],
  [StoreTooNew, exitCodes.invalid],
  // Before what it is a case of.
  [BackupInvalid, exitCodes.invalid],
  [BackupRefused, exitCodes.usage],
  [NoSuchEvent, exitCodes.notFound],
  [StoreBroken, exitCodes.failed],
  [ModelUnavailable, exitCodes.person],
  [SandboxUnavailable, exitCodes.person],
  // Before what it is a case of.
  [NotInTrash, exitCodes.notFound],
  [WorktreeError, exitCodes.usage],
];

/** The same error as a UserError where a person can mend it, itself otherwise. */
export function asUserError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof UserError) return error;
  const known = userErrors.find(([type]) => error instanceof type);
  if (known !== undefined) return new UserError(known[1], error.message, { cause: error });
  return diskSaysNo(error) ?? placeSaysNo(error) ?? cannotBeMade(error) ?? error;
}

/** Whoever of us met it first, it is no bug of theirs. */
function diskSaysNo(error: Error): UserError | null {
  if (!diskCodes.has(codeOf(error) ?? "")) return null;
  const where = "path" in error && typeof error.path === "string" ? `${error.path}: ` : "";
  const message = `${where}${said(error)}. Mend that, then try again; what was acknowledged is safe`;
  return new UserError(exitCodes.failed, message, { cause: error });
}

const diskCodes = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

/** A file or directory that a person named, or whose rights they set. */
function placeSaysNo(error: Error): UserError | null {
  if (!placeCodes.has(codeOf(error) ?? "")) return null;
  if (!("path" in error && typeof error.path === "string")) return null;
  const message = `${error.path}: ${said(error)}. Mend that, or choose another place`;
  return new UserError(exitCodes.invalid, message, { cause: error });
}

const placeCodes = new Set([
  "EACCES",
  "EPERM",
  "EEXIST",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
]);

/** What Node says of a directory with its parents that is to be made on a read-only disk. */
function cannotBeMade(error: Error): UserError | null {
  if (codeOf(error) !== "ENOENT") return null;
  if (!("syscall" in error && error.syscall === "mkdir" && "path" in error)) return null;
  const message = `${error.path}: it cannot be made: the disk is read-only, or what it would be in went away. Mend that, or choose another place`;
  return new UserError(exitCodes.invalid, message, { cause: error });
}
