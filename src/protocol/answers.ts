/** What a client checks of the daemon's answers. By hand: the schema library takes long to load. */
import type { LiveEvent } from "../ports.ts";
import type { FeedEvent } from "./door.ts";
import { type ExitCode, exitCodes, UserError } from "./errors.ts";

const shownCharsMax = 200;

export type FeedMessage =
  | { readonly kind: "live"; readonly event: LiveEvent }
  | { readonly kind: "event"; readonly event: FeedEvent };

/** The version in the answer to a ping; null when it is no such answer. */
export function versionOf(answer: unknown): string | null {
  const { version } = fieldsOf(answer);
  return typeof version === "string" ? version : null;
}

/** What the daemon refused, and why; null when that is not what it says. */
export function refusalOf(answer: unknown): UserError | null {
  const { error, exitCode, request } = fieldsOf(answer);
  if (typeof error !== "string" || typeof exitCode !== "number") return null;
  const about = typeof request === "number" ? { request } : {};
  return new UserError(exitCode as ExitCode, error, about);
}

/** What the feed says; null when it is not known here. */
export function feedMessageOf(told: unknown): FeedMessage | null {
  const { kind, event } = fieldsOf(told);
  return kind === "live" || kind === "event" ? ({ kind, event } as FeedMessage) : null;
}

export function unknownAnswer(answer: unknown): UserError {
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  const message = `the daemon answered what td does not know (${text.slice(0, shownCharsMax)}): td restart, if they are of different versions`;
  return new UserError(exitCodes.daemon, message);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
