import { basename } from "node:path";
import { backupStore } from "../adapters/store/backup.ts";
import { compactStore, snapshotStore } from "../adapters/store/compact.ts";
import { stateAt } from "../adapters/store/history.ts";
import { repairStore, type StoreReport, verifyStore } from "../adapters/store/repair.ts";
import { restoreStore } from "../adapters/store/restore-backup.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { StoreCheck } from "../protocol/program.ts";
import { type LoopView, loopView } from "../views/loop-view.ts";

export async function checkStore(home: string): Promise<StoreCheck> {
  return checked(await verifyStore(home));
}

export async function mendStore(home: string): Promise<StoreCheck> {
  const report = await repairStore(home);
  const { ok } = checked(report.after);
  return { ok, json: report, lines: report.explanation };
}

export async function snapshot(home: string): Promise<StoreCheck> {
  const kept = await snapshotStore(home);
  const line =
    kept === null
      ? "the log is empty: there is nothing to keep"
      : `the state up to event ${kept.seq} is kept in ${basename(kept.file)}`;
  return { ok: true, json: { seq: kept?.seq ?? null, file: kept?.file ?? null }, lines: [line] };
}

export async function compact(
  home: string,
  options: { readonly archivedDaysMax: number | null },
): Promise<StoreCheck> {
  const done = await compactStore(home, options);
  const { snapshotSeq, archived, removed, firstSeq } = done;
  const lines = [
    snapshotSeq === null ? "the log is empty" : `the newest snapshot holds event ${snapshotSeq}`,
    archived.length === 0
      ? "no part of the log lies wholly before the last snapshot but one: nothing was put away"
      : `put away: ${counted(archived.length, "segment")}, in store/archive`,
    ...(removed.length === 0 ? [] : [`removed for good: ${counted(removed.length, "segment")}`]),
    ...(firstSeq === null ? [] : [`the log begins with event ${firstSeq}`]),
  ];
  return { ok: true, json: done, lines };
}

export async function backUp(home: string, file: string): Promise<StoreCheck> {
  const { seq, snapshotBytes, logBytes } = await backupStore(home, file);
  const bytes = snapshotBytes + logBytes;
  const lines = [
    `${file} holds the log up to event ${seq} (${bytes} bytes)`,
    "transcripts, worktrees and checkpoints are not in it: copy the home for those",
  ];
  return { ok: true, json: { file, seq, bytes }, lines };
}

export async function restore(
  home: string,
  file: string,
  options: { readonly force: boolean },
): Promise<StoreCheck> {
  const { head, movedTo } = await restoreStore(home, file, options);
  const lines = [
    `the log is the one of ${file} now, up to event ${head.seq}`,
    ...(movedTo === null ? [] : [`what was there before is kept in ${movedTo}`]),
  ];
  return { ok: true, json: { file, seq: head.seq, movedTo }, lines };
}

export async function loopsAt(home: string, seq: number): Promise<readonly LoopView[]> {
  if (!Number.isSafeInteger(seq) || seq < 0) {
    throw new UserError(exitCodes.usage, `an event has a whole number from 1, not ${seq}`);
  }
  return [...(await stateAt(home, seq)).loops.values()].map((loop) => loopView(loop, null));
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function checked(report: StoreReport): StoreCheck {
  const { events, transactions, segments, archived, snapshotSeq, tornBytes, problems } = report;
  const found = problems.map(
    ({ file, line, offset, what }) => `${file}:${line} (byte ${offset}): ${what}`,
  );
  const lines = [
    `${events} events in ${transactions} transactions, ${counted(segments, "segment")}`,
    ...(snapshotSeq === null ? [] : [`the newest snapshot holds event ${snapshotSeq}`]),
    ...(archived === 0 ? [] : [`${counted(archived, "segment")} put away in store/archive`]),
    ...(tornBytes > 0
      ? [
          `${tornBytes} bytes of an unfinished line at the end: harmless, the next start takes them off`,
        ]
      : []),
    ...found,
    problems.length === 0
      ? "the log is whole"
      : "td store repair keeps what is whole, and puts the rest aside",
  ];
  return { ok: problems.length === 0, json: report, lines };
}
