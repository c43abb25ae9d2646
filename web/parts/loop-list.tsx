import { type CSSProperties, memo, useEffect, useState } from "react";
import type { LiveEvent } from "../../src/ports.ts";
import type { BoardRow } from "../../src/protocol/board.ts";
import { ago, money } from "../format.ts";
import { follow } from "../route.ts";
import { useSeen } from "../store.ts";
import { line, stepText } from "../words.ts";
import { Status } from "./status.tsx";

const wideRow = 38;
const narrowRow = 62;
/** Drawn beyond what is seen, so that a wheel finds something. */
const beyond = 8;

/** Loops by thousands: only those within sight are drawn. */
export function LoopList({
  rows,
  isTree,
  none = "No loops here.",
}: {
  readonly rows: readonly BoardRow[];
  readonly isTree: boolean;
  /** What is told where there is no row. */
  readonly none?: string;
}) {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const { top, height, rowHeight } = useSight(scroller);
  const now = useNow();
  const first = Math.max(0, Math.floor(top / rowHeight) - beyond);
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + beyond);
  const shown = rows.slice(first, last);
  if (rows.length === 0) return <p className="empty">{none}</p>;
  return (
    <section className="rows" ref={setScroller} aria-label={`${rows.length} loops`}>
      <div style={{ height: rows.length * rowHeight }}>
        <ul style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {shown.map((row, index) => (
            <li key={row.id} aria-setsize={rows.length} aria-posinset={first + index + 1}>
              <Row row={row} isTree={isTree} now={now} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

const Row = memo(function Row({
  row,
  isTree,
  now,
}: {
  readonly row: BoardRow;
  readonly isTree: boolean;
  readonly now: number;
}) {
  const { id, title, status, iteration, maxIterations, usage, updatedAt } = row;
  const step = useSeen(({ steps }) => (status === "running" ? steps.get(id) : undefined));
  const depth = isTree ? Math.min(id.split(".").length - 1, 6) : 0;
  const isAtWork = iteration > 0 || status === "running";
  return (
    <a
      className="row"
      data-row=""
      href={`/loop/${id}`}
      onClick={follow}
      style={{ "--depth": depth } as CSSProperties}
    >
      <Status of={status} />
      <span className="id">{id}</span>
      <span className="title">{line(title)}</span>
      <span className="step">{doing(step, row)}</span>
      <span className="num">{isAtWork ? `${iteration}/${maxIterations}` : ""}</span>
      <span className="num">{usage.requests > 0 ? money(usage.costUsd) : ""}</span>
      <span className="num when">{ago(updatedAt, now)}</span>
    </a>
  );
});

/** Why it stands where it stands, or what it does; a reason that is its status says nothing more. */
function doing(step: LiveEvent | undefined, { reason, status }: BoardRow): string {
  if (step !== undefined) return stepText(step);
  return reason === null || reason === status ? "" : line(reason);
}

const minuteMs = 60_000;

/** The time, by the minute. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), minuteMs / 2);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Where each page's list was left: who comes back finds it there. */
const places = new Map<string, number>();

/** Of an element that is not there while there are no rows. */
function useSight(element: HTMLElement | null) {
  const [sight, setSight] = useState({ top: 0, height: 900, rowHeight: wideRow });
  useEffect(() => {
    if (element === null) return;
    const narrow = matchMedia("(max-width: 720px)");
    const page = location.pathname;
    element.scrollTop = places.get(page) ?? 0;
    const look = () => {
      places.set(page, element.scrollTop);
      setSight({
        top: element.scrollTop,
        height: element.clientHeight,
        rowHeight: narrow.matches ? narrowRow : wideRow,
      });
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      observer.disconnect();
    };
  }, [element]);
  return sight;
}
