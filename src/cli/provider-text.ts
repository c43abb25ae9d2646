import type { ProviderView } from "../protocol/status.ts";
import { oneLine } from "./text.ts";

/** A provider in a line: its calls, its limits, and what keeps calls waiting. */
export function providerText(view: ProviderView): string {
  const { name, concurrency, inFlight, waiting } = view;
  const calls = concurrency === null ? `${inFlight} calls` : `${inFlight} of ${concurrency} calls`;
  const limits = [
    limit(view.requestsPerMinute, "requests"),
    limit(view.inputTokensPerMinute, "input tokens"),
    limit(view.outputTokensPerMinute, "output tokens"),
  ].flatMap((text) => text ?? []);
  const parked = view.parked.map(
    ({ model, parkedUntil, reason }) =>
      `${oneLine(model)} waits until ${parkedUntil} (${oneLine(reason)})`,
  );
  const parts = [
    `${calls} under way`,
    `${waiting} waiting`,
    ...limits,
    ...breakerText(view),
    ...parked,
  ];
  return `${oneLine(name)}: ${parts.join(", ")}`;
}

function limit(perMinute: number | null, what: string): string | null {
  return perMinute === null ? null : `${perMinute} ${what} a minute`;
}

function breakerText({ breaker, nextTryAt }: ProviderView): string[] {
  if (breaker === "closed") return [];
  return [nextTryAt === null ? "failing, being tried" : `failing, next try at ${nextTryAt}`];
}
