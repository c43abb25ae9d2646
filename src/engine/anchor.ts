import type { Audit, AuditHead } from "../ports/audit.ts";
import type { StateManager } from "./state-manager.ts";

/**
 * Puts the audit's head into the event log, once its records are durable; nothing when it stands
 * there already. Returns what stands there now.
 */
export async function anchorAudit(
  states: StateManager,
  audit: Pick<Audit, "anchor">,
  newest: AuditHead | null,
): Promise<AuditHead> {
  const head = await audit.anchor();
  if (head.count === (newest?.count ?? 0)) return head;
  await states.submit({ type: "anchorAudit", ...head });
  return head;
}
