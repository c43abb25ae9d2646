/** Numbers as a person reads them. */
import type { Usage } from "../core/loop.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** `12 ms`, `0.4 s`, `59 s`, `2:05`, `1:02:05`. */
export function duration(ms: number): string {
  if (ms < 95) return `${Math.round(Math.max(0, ms))} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  return clock(ms);
}

/** `0:07`, `2:05`, `1:02:05`: of one width while it runs. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** How long ago, in one unit. */
export function age(at: number, now: number): string {
  const ms = Math.max(0, now - at);
  if (ms < minuteMs) return `${Math.floor(ms / 1_000)}s`;
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)}m`;
  if (ms < dayMs) return `${Math.floor(ms / hourMs)}h`;
  return `${Math.floor(ms / dayMs)}d`;
}

/** `940`, `12.3k`, `4.56M`. */
export function tokens(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 999_950) return `${(count / 1_000).toFixed(1)}k`;
  return `${(count / 1_000_000).toFixed(2)}M`;
}

export function tokenSum(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
}

/** Unknown is not free. */
export function cost(usd: number | null): string {
  if (usd === null) return "cost unknown";
  return `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toFixed(4)}`;
}

export function short(commit: string): string {
  return commit.slice(0, 10);
}
