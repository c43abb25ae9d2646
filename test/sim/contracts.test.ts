import { SimLog, SimStore } from "../../sim/store.ts";
import { taskStoreContract } from "../contracts/task-store.ts";

/** A disk that takes one turn of the event loop for a write, so that appends gather meanwhile. */
taskStoreContract("the simulator's store", async () => {
  let disk = new SimLog();
  let store = new SimStore(disk, turn);
  return {
    open: async () => {
      store = new SimStore(disk, turn);
      return store;
    },
    breakDisk: () => store.breakDisk(),
    crash: async () => store.crash(1),
    remove: async () => {
      disk = new SimLog();
    },
  };
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
