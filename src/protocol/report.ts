import type { ReportView } from "../views/report.ts";

export interface ReportReader {
  /** Everything a reviewer has to know of a loop and all below it. */
  report(id: string): Promise<ReportView>;
}
