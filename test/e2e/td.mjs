// The program as it is built, as a process of its own. `npm test` builds it first.
import { main } from "../../dist/main.js";

await main();
