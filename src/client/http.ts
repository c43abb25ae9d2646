import { createRequire } from "node:module";

/**
 * Of node:http. An `import` of it reads all that it exports, and with that loads a WebSocket and
 * its client, which takes 30 ms: as long as node itself takes to start.
 */
export const { request } = createRequire(import.meta.url)(
  "node:http",
) as typeof import("node:http");
