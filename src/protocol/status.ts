/** What `td status` and `td queue` show: the contract of CLI.md, JSON. */
export interface StatusView {
  readonly running: true;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
  readonly eventLoopLagMs: number;
  readonly draining: boolean;
  readonly sandbox: string;
  readonly store: { readonly seq: number; readonly bytes: number };
  readonly loops: Readonly<Record<string, number>>;
  readonly providers: readonly ProviderView[];
}

export interface ProviderView {
  readonly model: string;
  /** ISO time until which calls wait; null when they do not. */
  readonly parkedUntil: string | null;
  readonly reason: string | null;
}

export interface QueueView {
  readonly running: readonly QueueRow[];
  readonly waiting: readonly QueueRow[];
  readonly slots: { readonly used: number; readonly max: number };
  readonly queueMax: number;
  readonly providers: readonly ProviderView[];
}

export interface QueueRow {
  readonly id: string;
  readonly type: string;
  readonly priority: string;
  readonly title: string;
  /** One sentence: what it does, or what it waits for. */
  readonly why: string;
}
