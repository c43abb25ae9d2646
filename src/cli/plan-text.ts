import type { RunPlan } from "../protocol/door.ts";
import { type Look, paint } from "./look.ts";
import { cost, short } from "./numbers.ts";
import { oneLine, pad, strip } from "./text.ts";

/** The command that decides, and where it comes from: shown before the first token is spent. */
export function validationText({ validation }: RunPlan): string {
  const { command, detectedFrom } = validation;
  const origin = detectedFrom === null ? "" : `  (detected: ${oneLine(detectedFrom)})`;
  return `validation: ${oneLine(command)}${origin}`;
}

function estimateText({ estimate: { loops, costUsd } }: RunPlan): string {
  if (costUsd === null) return "unknown: no such loop is complete here, or its price is not known";
  const count = loops === null || loops === 1 ? "" : `, ${loops} loops`;
  return `${cost(costUsd)}${count}, as such loops have cost here so far`;
}

const labelColumns = 11;

export function planText(plan: RunPlan, look: Look): string {
  const { repo, baseName, baseCommit, model, validation, prompt } = plan;
  const origin = validation.detectedFrom === null ? "" : ` (detected: ${validation.detectedFrom})`;
  const facts: readonly (readonly [string, string])[] = [
    ["repository", repo],
    ["base", `${baseName} (${short(baseCommit)})`],
    ["validation", validation.command + origin],
    ["model", plan.priceKnown ? model : `${model} (its price is not known)`],
    ["iterations", `at most ${plan.iterationsMax}`],
    ["budget", plan.budgetUsd === null ? "no limit" : cost(plan.budgetUsd)],
    ["estimate", estimateText(plan)],
    ["sandbox", plan.sandbox],
    ["deliver", plan.deliver],
    ...plan.worktree.map((line) => ["worktree", line] as const),
  ];
  return [
    ...facts.map(
      ([label, value]) => `${paint(look, "dim", pad(label, labelColumns))} ${oneLine(value)}`,
    ),
    "",
    paint(look, "bold", "── system prompt ──"),
    strip(prompt.system).trimEnd(),
    "",
    paint(look, "bold", "── prompt of the first iteration ──"),
    strip(prompt.text).trimEnd(),
    "",
    "Nothing was started, nothing was spent.",
  ].join("\n");
}
