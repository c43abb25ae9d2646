import { basename } from "node:path";

/** Where a line of the log is. `offset` counts bytes, `line` counts from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly offset: number;
}

/** A line that was acknowledged is damaged or missing; nothing was changed on disk. */
export class StoreCorrupt extends Error {
  readonly place: Place;
  readonly what: string;
  /** Null when an earlier problem leaves it unknown. */
  readonly seqExpected: number | null;

  constructor(place: Place, what: string, seqExpected: number | null) {
    const expected = seqExpected === null ? "" : `; event ${seqExpected} was expected there`;
    super(
      `the event log is damaged: ${basename(place.file)}, line ${place.line}, byte ` +
        `${place.offset}: ${what}${expected}. Nothing was changed. \`td store verify\` shows ` +
        "all of it, `td store repair` keeps what is whole and sets the rest aside",
    );
    this.name = "StoreCorrupt";
    this.place = place;
    this.what = what;
    this.seqExpected = seqExpected;
  }
}

/** The log was written by a newer program, whose events this one cannot know. */
export class StoreTooNew extends Error {
  constructor(place: Place, version: number, versionMax: number) {
    super(
      `${basename(place.file)}, line ${place.line}: written by a newer TaskDaemon (log format ` +
        `${version}, this one reads up to ${versionMax}). Nothing was changed. Install the ` +
        "newer version, or use another --home",
    );
    this.name = "StoreTooNew";
  }
}

/** Another process holds the home. */
export class HomeBusy extends Error {
  /** Null when it has not written its number yet. */
  readonly pid: number | null;

  constructor(home: string, pid: number | null) {
    super(
      `${home} is in use by another TaskDaemon (${pid === null ? "pid not known" : `pid ${pid}`}). ` +
        "`td stop` ends it; --home chooses another place",
    );
    this.name = "HomeBusy";
    this.pid = pid;
  }
}

/** The home cannot be created, read or written. */
export class HomeUnusable extends Error {
  constructor(path: string, cause: unknown) {
    super(
      `${path} cannot be used: ${said(cause)}. Mend that, or choose another place with --home`,
      {
        cause,
      },
    );
    this.name = "HomeUnusable";
  }
}

/** The log does not reach to the event that was asked for. */
export class NoSuchEvent extends Error {
  constructor(seq: number, lastSeq: number) {
    super(
      lastSeq === 0
        ? `there is no event ${seq}: the log is empty`
        : `there is no event ${seq}: the log ends with event ${lastSeq}`,
    );
    this.name = "NoSuchEvent";
  }
}

/** A backup cannot be made or taken as it is; the home was not changed. */
export class BackupRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BackupRefused";
  }
}

/** What was given as a backup is none that can be taken. */
export class BackupInvalid extends BackupRefused {}

export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error && "code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

const causes: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the disk is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EIO: "the disk reports an error",
  ENOENT: "it is not there",
  ENOTDIR: "a part of the path is no directory",
  EISDIR: "it is a directory",
  EEXIST: "it is a file",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long",
};

/** What the system said, in words where we have them. */
export function said(error: unknown): string {
  const code = codeOf(error);
  const words = code === null ? undefined : causes[code];
  if (words !== undefined) return `${words} (${code})`;
  return error instanceof Error ? error.message : String(error);
}
