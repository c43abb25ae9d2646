/** What a screen with many loops is told: whole rows, gathered, with the number they are as of. */
import type { LiveEvent } from "../ports.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { StatusView } from "./status.ts";

/** A loop as a list shows it. */
export type BoardRow = Omit<LoopView, "baseline" | "baseCommit" | "budget">;

/** `seq` is the last event that is in the rows: who comes back asks for what happened after it. */
export type BoardMessage =
  /** What is there; all before it is forgotten with the first of its pages. */
  | {
      readonly kind: "snapshot";
      readonly seq: number;
      readonly rows: readonly BoardRow[];
      readonly isFirst: boolean;
      readonly isLast: boolean;
    }
  /** Loops that are new or have changed. */
  | { readonly kind: "rows"; readonly seq: number; readonly rows: readonly BoardRow[] }
  /** The newest step of each loop that made one. */
  | { readonly kind: "steps"; readonly events: readonly LiveEvent[] }
  /** All that goes by in the one loop that is looked at. */
  | { readonly kind: "live"; readonly loop: string; readonly events: readonly LiveEvent[] }
  | { readonly kind: "status"; readonly status: StatusView };
