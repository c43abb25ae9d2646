/** GET for the `fetch` tool: only allowed hosts, no private addresses, bounded text. */
export interface Fetcher {
  fetch(
    url: string,
    allow: readonly string[],
    signal: AbortSignal,
    /** Told of every host, before it is contacted or because it must not be. */
    contact: (host: string, allowed: boolean) => Promise<void>,
  ): Promise<string>;
}
