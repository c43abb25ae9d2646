import { useMemo } from "react";
import { Filter, useFilter } from "../parts/filter.tsx";
import { LoopList } from "../parts/loop-list.tsx";
import { useSeen } from "../store.ts";

const open = new Set(["draft", "pending", "running", "paused", "blocked", "delegated"]);

/** The live tree. */
export function LoopsPage() {
  const all = useSeen((now) => now.rows);
  const { wanted, set } = useFilter();
  const { status, text } = wanted;
  const rows = useMemo(() => {
    const words = text.toLowerCase();
    return all.filter(
      (row) =>
        (status === "all" || (status === "open" ? open.has(row.status) : row.status === status)) &&
        (words === "" ||
          `${row.id} ${row.title} ${row.type} ${row.reason ?? ""}`.toLowerCase().includes(words)),
    );
  }, [all, status, text]);
  return (
    <div className="page fills">
      <h1>Loops</h1>
      <Filter
        wanted={wanted}
        set={set}
        choices={["all", "open"]}
        shown={rows.length}
        of={all.length}
      />
      {all.length === 0 && (
        <p className="dim">
          A loop begins with <code>td run ralph "what you want"</code>.
        </p>
      )}
      <LoopList
        rows={rows}
        isTree
        none={all.length === 0 ? "None yet." : "None passes the filter."}
      />
    </div>
  );
}
