import { useEffect, useRef, useState } from "react";
import type { LiveEvent } from "../../src/ports.ts";
import type { BoardRow } from "../../src/protocol/board.ts";
import { plain } from "../../src/views/plain.ts";
import { duration } from "../format.ts";
import { follow } from "../route.ts";
import { useSeen } from "../store.ts";
import { line, stepText } from "../words.ts";

/** What goes by at this moment; what went by is in the iterations. */
export function Output({ row }: { readonly row: BoardRow }) {
  const live = useSeen((now) => now.live);
  const [follows, setFollows] = useState(true);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = end.current?.parentElement;
    if (follows && box !== null && box !== undefined && live.length > 0) {
      box.scrollTop = box.scrollHeight;
    }
  }, [live, follows]);
  return (
    <section className="panel">
      <h2>
        Output{" "}
        <label className="inline">
          <input
            type="checkbox"
            checked={follows}
            onChange={({ target }) => setFollows(target.checked)}
          />{" "}
          follow
        </label>{" "}
        {live.length > 0 && (
          <a href={`/loop/${row.id}?tab=iterations`} onClick={follow}>
            what went before
          </a>
        )}
      </h2>
      {live.length === 0 && (
        <p className="empty">
          {row.status === "running" ? "Nothing went by since you look. " : "It is not at work. "}
          <a href={`/loop/${row.id}?tab=iterations`} onClick={follow}>
            Its iterations
          </a>
        </p>
      )}
      {live.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
        <section className="output" aria-label="Output" tabIndex={0}>
          {live.map((event, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: only the end of the list changes
            <Line key={index} event={event} />
          ))}
          <div ref={end} />
        </section>
      )}
    </section>
  );
}

function Line({ event }: { readonly event: LiveEvent }) {
  switch (event.type) {
    case "text":
      return <p className="text">{plain(event.text)}</p>;
    case "tool":
      return <p className="tool">▸ {stepText(event)}</p>;
    case "toolDone":
      return event.isError ? (
        <p className="bad">
          ✗ {line(event.name)} after {duration(event.durationMs)}
        </p>
      ) : null;
    case "turn":
      return (
        <p className="dim">
          turn {event.turn} · {line(event.model)}
        </p>
      );
    case "stage":
      return (
        <p className="stage">
          ── {event.iteration > 0 ? `iteration ${event.iteration} · ` : ""}
          {stepText(event)}
        </p>
      );
    case "verdict":
      return <p className={event.passed ? "good" : "bad"}>{stepText(event)}</p>;
    case "waiting":
    case "note":
      return <p className="dim">{stepText(event)}</p>;
    default:
      return null;
  }
}
