import type { TaskStore } from "../ports.ts";

/** For worlds that only look: whoever writes to the log has another. */
export const noStore: TaskStore = {
  restore: async () => null,
  snapshotEvery: Number.POSITIVE_INFINITY,
  keepSnapshot: async () => undefined,
  read: async function* () {},
  append: () => Promise.reject(new Error("a reader writes nothing")),
  close: async () => undefined,
};
