/** What `td purge` would remove. */
export interface PurgeView {
  readonly home: string;
  readonly isRunning: boolean;
  readonly entries: readonly string[];
  /** The systemd unit or launchd job of this home; null without one. */
  readonly unit: string | null;
  readonly repositories: readonly {
    readonly gitDir: string;
    readonly pins: number;
    readonly branches: readonly string[];
  }[];
  /** What stays although it might be thought ours, each in a sentence. */
  readonly kept: readonly string[];
}

/** What a purge has done. */
export interface PurgeReport {
  readonly home: string;
  readonly kept: readonly string[];
  /** What could not be removed, each in a sentence with the reason. */
  readonly failed: readonly string[];
}
