import type { AuditView } from "../../src/protocol/program.ts";

export const auditRecords: readonly AuditView[] = [
  {
    n: 1,
    at: "2026-01-01T00:00:00.000Z",
    type: "daemon",
    loop: null,
    data: { what: "started", pid: 77, version: "1.2.3" },
  },
  {
    n: 2,
    at: "2026-01-01T00:00:01.000Z",
    type: "command",
    loop: "1",
    data: { purpose: "tool", command: "echo \u001b[2Jhi\nthere", network: [] },
  },
];
