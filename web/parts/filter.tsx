import { useState } from "react";
import { go, useRoute } from "../route.ts";
import { statuses } from "../words.ts";

export interface Wanted {
  readonly status: string;
  readonly text: string;
}

/** The status is in the address, so that a filtered list has a link; the text is not. */
export function useFilter() {
  const route = useRoute();
  const [text, setText] = useState("");
  const status = route.searchParams.get("status") ?? "all";
  const set = (next: Partial<Wanted>) => {
    if (next.text !== undefined) setText(next.text);
    if (next.status === undefined) return;
    const query = next.status === "all" ? "" : `?status=${next.status}`;
    go(`${route.pathname}${query}`, { replace: true });
  };
  return { wanted: { status, text }, set };
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
