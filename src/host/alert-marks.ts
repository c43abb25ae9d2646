import type { NotifyFile } from "../adapters/notify/notify-file.ts";
import type { Alert } from "../core/alerts.ts";
import type { Millis } from "../core/loop.ts";
import { type Notice, noticeOfAlert, untold } from "../core/notice.ts";

interface Way {
  readonly id: string;
  /** Channels that have not brought it yet. */
  left: number;
}

/**
 * Which critical alerts were told. One is kept in mind on the disk once every channel has sent it
 * or given it up: a crash before that tells it again, and loses none.
 */
export class AlertMarks {
  readonly #file: Pick<NotifyFile, "alerts" | "keepAlerts">;
  readonly #onProblem: (error: unknown) => void;
  /** As it stands in this process; the file is behind by what is on its way. */
  #told: ReadonlyMap<string, Millis>;
  readonly #onTheWay = new Map<Notice, Way>();

  constructor(
    file: Pick<NotifyFile, "alerts" | "keepAlerts">,
    onProblem: (error: unknown) => void,
  ) {
    this.#file = file;
    this.#onProblem = onProblem;
    this.#told = file.alerts;
  }

  /** `tell` says how many channels took the notice. */
  look(alerts: readonly Alert[], now: Millis, tell: (notice: Notice) => number): void {
    const before = this.#told;
    const { tell: due, told } = untold(before, alerts, now);
    this.#told = told;
    for (const alert of due) {
      const notice = noticeOfAlert(alert, now);
      const left = tell(notice);
      if (left > 0) this.#onTheWay.set(notice, { id: alert.id, left });
    }
    if (due.length > 0 || told.size !== before.size) this.#keep();
  }

  /** A channel has sent these, or given them up. */
  brought(notices: readonly Notice[]): void {
    let isOver = false;
    for (const notice of notices) {
      const way = this.#onTheWay.get(notice);
      if (way === undefined) continue;
      way.left -= 1;
      if (way.left > 0) continue;
      this.#onTheWay.delete(notice);
      isOver = true;
    }
    if (isOver) this.#keep();
  }

  #keep(): void {
    const open = new Set([...this.#onTheWay.values()].map(({ id }) => id));
    const kept = new Map([...this.#told].filter(([id]) => !open.has(id)));
    this.#file.keepAlerts(kept).catch(this.#onProblem);
  }
}
