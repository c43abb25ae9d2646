import { exitCodes, UserError } from "../protocol/errors.ts";
import type { AuditView } from "../protocol/program.ts";
import { type Look, paint } from "./look.ts";
import { jsonText, type Session } from "./session.ts";
import { told } from "./store.ts";
import { cut, oneLine } from "./text.ts";

export interface AuditOptions {
  readonly loop?: string | undefined;
  readonly since?: string | undefined;
}

/** `td audit list`: one line a record. */
export async function listAudit(session: Session, options: AuditOptions): Promise<number> {
  const { program } = session.world;
  const sinceAt = options.since === undefined ? null : sinceOf(options.since, Date.now());
  const filter = { loop: options.loop ?? null, sinceAt };
  await program.auditRecords(session.place, filter, (record) => {
    session.print(session.json ? jsonText(record, false) : recordLine(record, session.look));
  });
  return exitCodes.done;
}

/** `td audit verify`: 1 when the chain is broken. */
export async function verifyAudit(session: Session): Promise<number> {
  return told(session, await session.world.program.verifyAudit(session.place));
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `5m`, `2h`, `7d` ago, or a time as ISO 8601 writes it. */
export function sinceOf(text: string, now: number): number {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = unitMs[unit];
  if (ms !== undefined) return now - Number(count) * ms;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  const message = `--since takes a time such as 2h, 7d or 2026-01-31T08:00, not ${oneLine(text)}`;
  throw new UserError(exitCodes.usage, message);
}

const columnsMax = 200;

function recordLine({ n, at, type, loop, data }: AuditView, look: Look): string {
  const head = `${String(n).padStart(6)}  ${oneLine(at)}  ${oneLine(type).padEnd(8)} ${oneLine(loop ?? "-").padEnd(6)}`;
  const room = (look.width ?? columnsMax) - head.length - 2;
  return `${head} ${paint(look, "dim", cut(dataText(data), room))}`.trimEnd();
}

function dataText(data: AuditView["data"]): string {
  return Object.entries(data)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${oneLine(name)}=${valueText(value)}`)
    .join(" ");
}

function valueText(value: unknown): string {
  return oneLine(typeof value === "object" ? JSON.stringify(value) : String(value));
}
