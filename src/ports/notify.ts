import type { Millis } from "../core/loop.ts";
import type { Notice } from "../core/notice.ts";

export interface Batch {
  readonly notices: readonly Notice[];
  /** Notices that had no room any more. */
  readonly dropped: number;
  /** The same for the same batch tried again. */
  readonly id: string;
  readonly at: Millis;
}

/** `again`: the same may get through later. */
export type Sent =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly again: boolean };

/** One way to a person who does not look at a screen. */
export interface Channel {
  readonly name: string;
  /** Whether it is configured, and there, at this moment. */
  readonly isOn: () => boolean;
  /** Bounded in time by itself; never rejects. */
  send(batch: Batch, signal: AbortSignal): Promise<Sent>;
}

/** How far each channel has come in the log; survives the daemon. */
export interface Cursors {
  /** Null for a channel that never came anywhere. */
  of(channel: string): number | null;
  /** Rejects when the disk refuses. */
  keep(channel: string, seq: number): Promise<void>;
}
