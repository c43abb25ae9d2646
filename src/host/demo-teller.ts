import type { Event } from "../core/events.ts";
import type { FeedEvent } from "../protocol/door.ts";
import type { QueueView } from "../protocol/status.ts";

type Of<Type extends Event["type"]> = Extract<Event, { type: Type }>["data"];

/** Tells the story of `td demo` from the daemon's log, a line for what a person would care about. */
export class Narrator {
  readonly #write: (line: string) => void;
  readonly #titles = new Map<string, string>();
  #isLimited = false;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  hear({ type, loop, data }: FeedEvent): void {
    if (loop === null) return;
    const line = this.#lineOf(type as Event["type"], loop, data);
    if (line !== null) this.#write(`  ${this.#nameOf(loop)} ${line}`);
  }

  /** What the provider asks for is no event of a loop: it holds for all of them. */
  limits({ providers }: Pick<QueueView, "providers">): void {
    const limited = providers.find(({ parkedUntil }) => parkedUntil !== null);
    const isNew = limited !== undefined && !this.#isLimited;
    this.#isLimited = limited !== undefined;
    if (isNew)
      this.#write(`  ~ ${limited.name} asks for a pause (429): all loops wait, none fails`);
  }

  killed(pid: number): void {
    this.#write(
      `\n$ kill -9 ${pid}    # the daemon, in the middle of it; its guardian starts another`,
    );
  }

  #lineOf(type: Event["type"], loop: string, data: unknown): string | null {
    switch (type) {
      case "loop.created": {
        const created = data as Of<"loop.created">;
        this.#titles.set(loop, created.title);
        if (created.parent === null) return null;
        const after =
          created.dependsOn.length === 0 ? "" : `, after ${created.dependsOn.join(", ")}`;
        return `+ ${created.type}${after}`;
      }
      case "attempt.ended": {
        const { interruptedAt } = data as Of<"attempt.ended">;
        return interruptedAt === null ? null : `goes on: interrupted in ${interruptedAt}`;
      }
      case "iteration.finished":
        return verdictLine(data as Of<"iteration.finished">);
      case "loop.rebased": {
        const { conflicts } = data as Of<"loop.rebased">;
        if (conflicts.length === 0) return null;
        return `! conflicts with what was merged before: ${conflicts.join(", ")}`;
      }
      case "loop.delivered":
        if (!loop.includes(".")) return null;
        return `⇒ merged into ${(data as Of<"loop.delivered">).to}`;
      case "loop.status":
        return statusLine(data as Of<"loop.status">);
      default:
        return null;
    }
  }

  #nameOf(loop: string): string {
    return `${loop.padEnd(8)} ${(this.#titles.get(loop) ?? "").slice(0, 24).padEnd(24)}`;
  }
}

function verdictLine({ iteration, verdict }: Of<"iteration.finished">): string {
  const { evidence, passed } = verdict;
  const tests =
    evidence === null ? "" : `: ${evidence.ran - evidence.failed} of ${evidence.ran} tests pass`;
  return `${passed ? "✓" : "✗"} iteration ${iteration}${tests}`;
}

function statusLine({ from, to, reason }: Of<"loop.status">): string | null {
  if (to === "draft") return "○ waits for approval";
  if (to === "complete" && from === "delegated") return "✓ complete: all below it is";
  if (to === "blocked" || to === "failed") return `◆ ${to}: ${reason}`;
  return null;
}
