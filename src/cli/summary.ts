import type { LoopView } from "../views/loop-view.ts";
import type { WhyView } from "../views/why.ts";
import { type Look, paint, statusColour, statusText } from "./look.ts";
import { cost, tokenSum, tokens } from "./numbers.ts";
import { verdictText } from "./progress.ts";
import { cut, oneLine, pad } from "./text.ts";

const labelColumns = 11;

/** What a person wants to know once a loop rests. `why` is null for a complete loop. */
export function summary(
  view: LoopView,
  why: WhyView | null,
  { look, quiet }: { readonly look: Look; readonly quiet: boolean },
): string {
  const status = paint(look, statusColour(view.status), statusText(view.status));
  const title = oneLine(view.title);
  const head = `${status}  ${paint(look, "bold", view.id)}`;
  if (quiet) return [head, view.pullRequest ?? view.delivered?.to].filter(Boolean).join("  ");
  const room = look.width === null ? Number.POSITIVE_INFINITY : look.width - 1;
  const headColumns = statusText(view.status).length + view.id.length + 4;
  return [
    `${head}  ${cut(title, Math.max(0, room - headColumns))}`,
    ...facts(view, why).map(([label, value]) => {
      return `  ${paint(look, "dim", pad(label, labelColumns))} ${oneLine(value)}`;
    }),
  ].join("\n");
}

type Fact = readonly [label: string, value: string];

function facts(view: LoopView, why: WhyView | null): Fact[] {
  const { branch, delivered, verdict, usage, iteration, maxIterations } = view;
  const where = delivered?.to ?? branch;
  const lines: Fact[] = [];
  if (why !== null) lines.push(["why", why.sentence]);
  if (where !== null) lines.push(["branch", where]);
  if (view.pullRequest !== null) lines.push(["pull req.", view.pullRequest]);
  if (why === null && view.reason !== null) lines.push(["but", view.reason]);
  if (verdict !== null) lines.push(["verdict", verdictText(verdict)]);
  lines.push(["iterations", `${iteration} of ${maxIterations}`]);
  lines.push(["usage", usageText(usage)]);
  const next = why === null ? nextOf(view) : why.remedy;
  if (next !== null) lines.push(["next", next]);
  return lines;
}

export function usageText(usage: LoopView["usage"]): string {
  const requests = usage.requests === 1 ? "1 request" : `${usage.requests} requests`;
  return `${tokens(tokenSum(usage))} tokens in ${requests}, ${cost(usage.costUsd)}`;
}

function nextOf({ id, delivered, pullRequest }: LoopView): string {
  if (pullRequest !== null) return `review ${pullRequest}`;
  if (delivered === null) return `td diff ${id} shows the changes`;
  if (!delivered.to.startsWith("taskdaemon/")) return `td diff ${id} shows the changes`;
  return `td merge ${id}, or git merge ${delivered.to}  (td diff ${id} shows the changes)`;
}
