import { exitCodes, UserError } from "../protocol/errors.ts";
import type { Session } from "./session.ts";

/** A question is for a person at a terminal; anybody else has to say --yes beforehand. */
export function demandTerminal(session: Session, what: string): void {
  if (hasTerminal(session)) return;
  throw new UserError(exitCodes.usage, `${what} asks first, and there is no terminal: add --yes`);
}

/** Whether there is somebody to ask. */
export function hasTerminal({ world }: Session): boolean {
  return world.stdin.isTTY === true && world.stderr.isTTY === true;
}

/** Whether a person says yes; anything else is no. */
export async function agrees({ world }: Session, question: string): Promise<boolean> {
  const { stdin, stderr } = world;
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: stdin, output: stderr, terminal: false });
  try {
    stderr.write(`${question} [y/N] `);
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
