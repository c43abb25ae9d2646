import type { Correction, Corrections, Kind } from "../../core/admission.ts";
import type { Millis } from "../../core/loop.ts";

type Header = (name: string) => string | null | undefined;

/** No provider counts further than this; a header that says so is noise. */
const countMax = 1e12;
const resetMsMax = 24 * 3_600_000;

/** What the headers of an answer say of rate limits; null when they say nothing that makes sense. */
export function ratesOf(header: Header, now: Millis): Corrections | null {
  const told: Partial<Record<Kind, Correction>> = {};
  for (const [kind, names] of Object.entries(namesOf) as [Kind, readonly Names[]][]) {
    const correction = firstOf(names, header, now);
    if (correction !== null) told[kind] = correction;
  }
  return Object.keys(told).length === 0 ? null : told;
}

interface Names {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

const anthropic = (what: string): Names => ({
  limit: `anthropic-ratelimit-${what}-limit`,
  remaining: `anthropic-ratelimit-${what}-remaining`,
  reset: `anthropic-ratelimit-${what}-reset`,
});

const openAi = (what: string): Names => ({
  limit: `x-ratelimit-limit-${what}`,
  remaining: `x-ratelimit-remaining-${what}`,
  reset: `x-ratelimit-reset-${what}`,
});

/** The OpenAI family limits input and output in one sum, and input is most of it. */
const namesOf: Readonly<Record<Kind, readonly Names[]>> = {
  requests: [anthropic("requests"), openAi("requests")],
  inputTokens: [anthropic("input-tokens"), openAi("tokens")],
  outputTokens: [anthropic("output-tokens")],
};

function firstOf(names: readonly Names[], header: Header, now: Millis): Correction | null {
  for (const { limit, remaining, reset } of names) {
    const left = countOf(header(remaining));
    if (left === null) continue;
    return { limit: countOf(header(limit)), remaining: left, resetAt: timeOf(header(reset), now) };
  }
  return null;
}

function countOf(text: string | null | undefined): number | null {
  const digits = text?.trim() ?? "";
  if (!/^\d{1,13}$/.test(digits)) return null;
  const count = Number(digits);
  return count <= countMax ? count : null;
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const duration = /^(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,6}(?:\.\d{1,6})?)s)?(?:(\d{1,8})ms)?$/;

/** A date of RFC 3339, or a duration such as `6m0s` and `20ms`. */
function timeOf(text: string | null | undefined, now: Millis): Millis | null {
  const said = text?.trim() ?? "";
  if (said === "" || said.length > 40) return null;
  const at = isoTime.test(said) ? Date.parse(said) : now + durationOf(said);
  return Number.isFinite(at) && Math.abs(at - now) <= resetMsMax ? at : null;
}

function durationOf(text: string): number {
  const found = duration.exec(text);
  if (found === null) return Number.NaN;
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = found.slice(1).map((n) => Number(n ?? 0));
  return Math.ceil(((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms);
}
