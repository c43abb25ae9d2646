/** How the machine itself starts the daemon of a home: a systemd unit, or a launchd job. */
export interface UnitView {
  readonly file: string;
  readonly text: string;
  readonly isInstalled: boolean;
  /** What a person types to enable it. */
  readonly enable: string;
  /** Where keys go, one NAME=value a line: never into the unit. */
  readonly keysFile: string;
  /** What may surprise, each in a sentence. */
  readonly notes: readonly string[];
}

export interface UnitReport {
  readonly file: string;
  readonly isEnabled: boolean;
  readonly lines: readonly string[];
}
