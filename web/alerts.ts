/** What is not as it should be, from the daemon's own words. */
import type { StatusView } from "../src/protocol/status.ts";
import { money } from "./format.ts";

const nearlyShare = 0.8;

export function alertsOf({ hold, providers, config, budget, draining }: StatusView): string[] {
  const alerts: string[] = [];
  if (draining) alerts.push("The daemon is stopping: nothing new starts.");
  if (hold !== null && !draining) alerts.push(`Nothing new starts: ${hold.reason}`);
  if (config.problem !== null) alerts.push(`The configuration is broken: ${config.problem}`);
  const { dayUsd, daySpentUsd } = budget;
  if (dayUsd !== null && daySpentUsd >= dayUsd * nearlyShare) {
    alerts.push(`${money(daySpentUsd)} of the day's ${money(dayUsd)} are spent.`);
  }
  for (const { name, breaker, reason, parked } of providers) {
    if (breaker === "open") alerts.push(`${name} does not answer: ${reason ?? "calls wait"}`);
    for (const { model, parkedUntil, reason: why } of parked) {
      alerts.push(
        `${model} is limited until ${new Date(parkedUntil).toLocaleTimeString()}: ${why}`,
      );
    }
  }
  return alerts;
}
