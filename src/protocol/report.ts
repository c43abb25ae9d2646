import type { DigestView } from "../views/digest.ts";
import type { ReportView } from "../views/report.ts";

export interface ReportReader {
  /** Everything a reviewer has to know of a loop and all below it. */
  report(id: string): Promise<ReportView>;
  /** What happened since then, and who needs a person now. */
  digest(sinceAt: number): Promise<DigestView>;
}
