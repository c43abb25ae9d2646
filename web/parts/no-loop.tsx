import { follow } from "../route.ts";

/** Of an old link, or one that was typed. */
export function NoLoop({ id }: { readonly id: string }) {
  return (
    <p className="empty">
      There is no loop {id}. Those that there are:{" "}
      <a href="/loops" onClick={follow}>
        all loops
      </a>
    </p>
  );
}
