import { useMemo } from "react";
import { go, useRoute } from "../route.ts";
import { statuses } from "../words.ts";

export interface Wanted {
  readonly status: string;
  readonly text: string;
}

/** In the address, so that a filtered list has a link, and is there when one comes back. */
export function useFilter() {
  const { pathname, searchParams } = useRoute();
  const text = searchParams.get("text") ?? "";
  const status = searchParams.get("status") ?? "all";
  const wanted = useMemo(() => ({ status, text }), [status, text]);
  const set = (next: Partial<Wanted>) => {
    const { status: newStatus, text: newText } = { ...wanted, ...next };
    const query = new URLSearchParams();
    if (newStatus !== "all") query.set("status", newStatus);
    if (newText !== "") query.set("text", newText);
    go(query.size === 0 ? pathname : `${pathname}?${query}`, { replace: true });
  };
  return { wanted, set };
}

export function Filter({
  wanted,
  set,
  choices,
  shown,
  of,
}: {
  readonly wanted: Wanted;
  readonly set: (next: Partial<Wanted>) => void;
  /** Besides the statuses themselves. */
  readonly choices: readonly string[];
  readonly shown: number;
  readonly of: number;
}) {
  return (
    <search className="filter">
      <label>
        Filter
        <input
          data-filter=""
          type="search"
          value={wanted.text}
          placeholder="id, title, type, reason"
          onChange={({ target }) => set({ text: target.value })}
        />
      </label>
      <label>
        Status
        <select value={wanted.status} onChange={({ target }) => set({ status: target.value })}>
          {[...choices, ...statuses].map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      </label>
      <span className="dim" role="status">
        {shown} of {of}
      </span>
    </search>
  );
}
