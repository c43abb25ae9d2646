import { Buffer } from "node:buffer";
import type { Asked, CreationCommand } from "../core/creation.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { asUserError } from "./errors.ts";

/** What is accepted at once is one line of the log, which has a largest one. */
const askedBytesMax = 24 * 1024 * 1024;

/** Of one loop as of several; refuses more than one transaction can hold. */
export function creationOf(asked: readonly Asked[]): CreationCommand {
  const [first] = asked;
  if (first !== undefined && asked.length === 1) {
    if (first.afterEarlier.length === 0) return { type: "createLoop", loop: first.loop };
  }
  const bytes = Buffer.byteLength(JSON.stringify(asked));
  if (bytes <= askedBytesMax) return { type: "createLoops", asked };
  const mib = (count: number) => `${Math.ceil(count / 1024 / 1024)} MiB`;
  const message = `these loops with their settings are ${mib(bytes)}, and ${mib(askedBytesMax)} are accepted at once: send them in parts`;
  throw new UserError(exitCodes.invalid, message);
}

/** A refusal says which of several requests it is about. */
export async function ofRequest<Result>(at: number, doing: Promise<Result>): Promise<Result> {
  return doing.catch((error: unknown) => {
    const known = asUserError(error);
    if (!(known instanceof UserError)) throw error;
    throw new UserError(known.exitCode, known.message, { cause: error, request: at });
  });
}
