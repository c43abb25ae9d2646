/** What is not as it should be, and whether a person is told of it. */

export interface AlertView {
  /** One condition: `disk`, `provider:anthropic` … */
  readonly id: string;
  readonly level: "info" | "warn" | "critical";
  readonly since: string;
  readonly text: string;
  /** What to do, a command where there is one. */
  readonly remedy: string;
}

/** What became of one notification of `td notify test`. */
export interface NotifyTestView {
  readonly channel: string;
  readonly state: "sent" | "failed" | "off";
  /** Why it failed or is off; where it went otherwise. */
  readonly message: string;
}

export interface AttentionDoor {
  alerts(): Promise<readonly AlertView[]>;
  /** Sends one notification by each channel, once. */
  testNotify(): Promise<readonly NotifyTestView[]>;
}
