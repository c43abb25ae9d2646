import { fileURLToPath } from "node:url";

/** Where package.json lies: above `src`, and above `dist`, whose files lie side by side. */
export const packageRoot = fileURLToPath(new URL("..", import.meta.url));
