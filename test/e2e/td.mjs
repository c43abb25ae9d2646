// The program from its sources, as a process of its own: node strips the types.
import { main } from "../../src/main.ts";

await main();
