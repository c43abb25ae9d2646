import { readAudit } from "../adapters/audit/read.ts";
import type { AuditRecord } from "../adapters/audit/record.ts";
import { type Anchor, type AuditReport, verifyAudit } from "../adapters/audit/verify.ts";
import { pickFromAll } from "../adapters/store/history.ts";
import type { Transaction } from "../core/events.ts";
import type { AuditFilter, AuditView, StoreCheck } from "../protocol/program.ts";
import { timeOf } from "../views/loop-view.ts";

export async function listAudit(
  home: string,
  { loop, sinceAt }: AuditFilter,
  tell: (record: AuditView) => void,
): Promise<void> {
  for await (const record of readAudit(home)) {
    const view = viewOf(record);
    if (loop !== null && view.loop !== loop) continue;
    if (sinceAt === null || record.at >= sinceAt) tell(view);
  }
}

function viewOf({ n, at, act }: AuditRecord): AuditView {
  const { type, ...rest } = act;
  const loop = "loop" in act ? act.loop : null;
  return { n, at: timeOf(at), type, loop, data: { ...rest, loop: undefined } };
}

/** The anchors first: what they promise is in the files by then. */
export async function checkAudit(home: string): Promise<StoreCheck> {
  const { firstSeq, picked: anchors } = await pickFromAll(home, anchorsIn);
  const report = await verifyAudit(home, anchors);
  const ok = report.problem === null;
  const compacted = { upToEvent: firstSeq - 1 };
  return { ok, json: { ok, ...report, compacted }, lines: linesOf(report, firstSeq) };
}

function anchorsIn({ seq, events }: Transaction): readonly Anchor[] {
  return events.flatMap((event, index) =>
    event.type === "audit.anchored" ? [{ seq: seq + index, ...event.data }] : [],
  );
}

function linesOf(report: AuditReport, firstSeq: number): string[] {
  const { records, segments, anchors, anchoredUpTo, tornBytes, repaired, problem } = report;
  const held = problem === null ? anchoredUpTo : Math.min(anchoredUpTo, records);
  const lines = [
    `${counted(records, "record")} in ${counted(segments, "file")}`,
    anchors === 0
      ? "the event log has no anchor for it: only the chain itself could be checked"
      : `${counted(anchors, "anchor")} in the event log, the newest at record ${anchoredUpTo}`,
    ...(firstSeq === 1 ? [] : [compactedLine(firstSeq, anchors)]),
    ...(repaired === 0
      ? []
      : [`${counted(repaired, "unfinished record")} left by a crash, taken off at the next start`]),
    ...(tornBytes === 0
      ? []
      : [`${tornBytes} bytes of an unfinished record at the end: a crash, or one being written`]),
  ];
  if (problem === null) {
    const rest = records - held;
    const open = `${counted(rest, "record")} since the newest anchor could be cut off unseen`;
    return [...lines, ...(rest === 0 || anchors === 0 ? [] : [open]), "the audit is whole"];
  }
  const { file, line, offset, record, what, means } = problem;
  return [
    ...lines,
    `${file}:${line} (byte ${offset}), record ${record}: ${what}`,
    `that means: ${means}`,
    `records 1 to ${records} are as they were written; nothing after them is proven`,
  ];
}

/** An anchor holds fast the whole chain before it, so older ones are no loss while one is left. */
function compactedLine(firstSeq: number, anchors: number): string {
  const gone = `events 1 to ${firstSeq - 1} of the event log were removed by compaction, and the anchors in them`;
  return anchors === 0
    ? `${gone}: nothing but the chain itself speaks for the audit until the next anchor`
    : `${gone}: those that are left hold fast all records before them`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
