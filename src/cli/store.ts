import { exitCodes } from "../protocol/errors.ts";
import type { StoreCheck } from "../protocol/program.ts";
import type { Session } from "./session.ts";
import { strip } from "./text.ts";

/** `td store verify` and `td store repair`: 1 when the log is not whole. */
export async function store(session: Session, what: "verify" | "repair"): Promise<number> {
  const { program } = session.world;
  const check = await (what === "verify"
    ? program.verifyStore(session.place)
    : program.repairStore(session.place));
  report(session, check);
  return check.ok ? exitCodes.done : exitCodes.failed;
}

function report(session: Session, { json, lines }: StoreCheck): void {
  if (session.json) session.printJson(json);
  else for (const line of lines) session.print(strip(line));
}
