import { exitCodes } from "../protocol/errors.ts";
import type { Check } from "../protocol/program.ts";
import { interruptible } from "./interrupt.ts";
import { type Colour, type Look, paint } from "./look.ts";
import type { Session } from "./session.ts";
import { oneLine, pad, strip, width } from "./text.ts";

/** `td doctor`: 1 when something stands in the way. */
export async function doctor(session: Session): Promise<number> {
  return interruptible(session, async (signal) => {
    const checks = await session.world.program.doctor(session.place, signal);
    if (signal.aborted) return exitCodes.interrupted;
    const ok = checks.every(({ state }) => state !== "problem");
    if (session.json) session.printJson({ ok, checks });
    else session.print(checksText(checks, session.look));
    return ok ? exitCodes.done : exitCodes.failed;
  });
}

const looks: Readonly<Record<Check["state"], readonly [glyph: string, colour: Colour]>> = {
  ok: ["✓", "green"],
  warning: ["!", "yellow"],
  problem: ["✗", "red"],
};

export function checksText(checks: readonly Check[], look: Look): string {
  const nameColumns = Math.max(0, ...checks.map(({ name }) => width(oneLine(name))));
  const indent = " ".repeat(nameColumns + 4);
  const lines = checks.flatMap(({ name, state, message, remedy }) => {
    const [glyph, colour] = looks[state];
    const text = strip(message).trim().replaceAll("\n", `\n${indent}`);
    const line = `${paint(look, colour, glyph)} ${pad(oneLine(name), nameColumns)}  ${text}`;
    if (remedy === null) return line;
    return [line, `${indent}→ ${strip(remedy).trim().replaceAll("\n", `\n${indent}  `)}`];
  });
  return [...lines, "", conclusion(checks)].join("\n");
}

function conclusion(checks: readonly Check[]): string {
  const count = (wanted: Check["state"]) => checks.filter(({ state }) => state === wanted).length;
  const problems = count("problem");
  const warnings = count("warning");
  if (problems > 0) return `${problems} problem${problems === 1 ? "" : "s"} to mend first`;
  if (warnings > 0) return `ready, with ${warnings} warning${warnings === 1 ? "" : "s"}`;
  return "ready";
}
