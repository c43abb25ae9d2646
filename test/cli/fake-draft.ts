import type { DraftView } from "../../src/protocol/plans.ts";

export const noDraft: Omit<DraftView, "id" | "status"> = {
  task: "do it",
  documents: [],
  estimate: { loops: null, costUsd: null },
};
