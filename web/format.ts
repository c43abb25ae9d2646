/** Numbers and times as a person reads them. */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** `12 ms`, `0.4 s`, `59 s`, `2:05 min`, `1:02 h`. */
export function duration(ms: number): string {
  if (ms < 95) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < minuteMs) return `${Math.round(ms / 1_000)} s`;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)}:${two((ms % minuteMs) / 1_000)} min`;
  return `${Math.floor(ms / hourMs)}:${two((ms % hourMs) / minuteMs)} h`;
}

/** `now`, `3 min ago`, `2 h ago`, `5 d ago`. */
export function ago(at: string, now: number): string {
  const ms = now - Date.parse(at);
  if (ms < minuteMs) return "now";
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min ago`;
  if (ms < dayMs) return `${Math.floor(ms / hourMs)} h ago`;
  return `${Math.floor(ms / dayMs)} d ago`;
}

/** `940`, `12.3k`, `4.56M`. */
export function count(value: number): string {
  if (value < 1_000) return String(Math.round(value));
  if (value < 999_950) return `${(value / 1_000).toFixed(1)}k`;
  return `${(value / 1_000_000).toFixed(2)}M`;
}

/** Unknown is not free. */
export function money(usd: number | null): string {
  if (usd === null) return "unknown";
  return `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toFixed(4)}`;
}

export function bytes(value: number): string {
  return value < 1e6 ? `${Math.round(value / 1e3)} kB` : `${Math.round(value / 1e6)} MB`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** In the reader's own zone, to the minute. */
export function moment(at: string): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
