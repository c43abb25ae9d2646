import type { LiveEvent } from "../ports.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { AttentionDoor } from "./alerts.ts";
import type { ChatDesk } from "./chat.ts";
import type { DashboardView } from "./dashboard.ts";
import type { FeedEvent, Raise, Reader, RunPlan, RunRequest } from "./door.ts";
import type { HistoryView } from "./history.ts";
import type { MailDoor } from "./mail.ts";
import type { MetricsView } from "./metrics.ts";
import type { Amendment } from "./plans.ts";
import type { ConfigView } from "./program.ts";
import type { QueueView, StatusView } from "./status.ts";

/** What the daemon's door stands before: everything a client may ask, as the routes call it. */
export interface Desk extends Reader, MailDoor, AttentionDoor, ChatDesk {
  plan(request: RunRequest): Promise<RunPlan>;
  /** All of them or none. */
  create(requests: readonly RunRequest[]): Promise<readonly LoopView[]>;
  resume(id: string, raise: Raise): Promise<LoopView>;
  pause(id: string): Promise<LoopView>;
  stop(id: string): Promise<LoopView>;
  answer(id: string, text: string): Promise<LoopView>;
  rollback(id: string, to: number): Promise<LoopView>;
  amend(id: string, amendment: Amendment): Promise<LoopView>;
  /** A person's remarks on its work, to whom it concerns: itself, or one that goes on from there. */
  feedback(id: string, text: string): Promise<LoopView>;
  status(): Promise<StatusView>;
  queue(): Promise<QueueView>;
  metrics(): Promise<MetricsView>;
  /** The same as Prometheus reads it. */
  metricsText(): Promise<{ readonly text: string; readonly contentType: string }>;
  history(): Promise<HistoryView>;
  /** The report as a page of its own, and the policy under which a browser may show it. */
  reportPage(id: string): Promise<{ readonly html: string; readonly policy: string }>;
  /** What is configured, for a repository or none, and where each value comes from. */
  config(dir: string | null): Promise<ConfigView>;
  /** Opens the dashboard's door, at a port of its own choice where none is named. */
  dashboard(port: number | null): Promise<DashboardView>;
  /** Durable events from `from` on, old ones first, without gaps; returns the way out. */
  follow(from: number, listener: (event: FeedEvent) => void): Promise<() => void>;
  /** What goes by, of one loop or of all; of one, its last steps first. */
  watch(loop: string | null, listener: (event: LiveEvent) => void): () => void;
  /** Drains, or with `now` interrupts; the process ends by itself afterwards. */
  shutdown(options: { readonly now: boolean }): void;
}
