import { repairStore, type StoreReport, verifyStore } from "../adapters/store/repair.ts";
import type { StoreCheck } from "../protocol/program.ts";

export async function checkStore(home: string): Promise<StoreCheck> {
  return checked(await verifyStore(home));
}

export async function mendStore(home: string): Promise<StoreCheck> {
  const report = await repairStore(home);
  const { ok } = checked(report.after);
  return { ok, json: report, lines: report.explanation };
}

function checked(report: StoreReport): StoreCheck {
  const { events, transactions, segments, tornBytes, problems } = report;
  const found = problems.map(
    ({ file, line, offset, what }) => `${file}:${line} (byte ${offset}): ${what}`,
  );
  const lines = [
    `${events} events in ${transactions} transactions, ${segments} segment${segments === 1 ? "" : "s"}`,
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
