import type { DraftView } from "../protocol/plans.ts";
import { type Look, paint } from "./look.ts";
import { cost } from "./numbers.ts";
import { oneLine, strip } from "./text.ts";

/** What a draft would become, and what a person can do about it; later, what it was. */
export function draftText({ id, status, documents, estimate }: DraftView, look: Look): string {
  const lines = documents.map(({ path, title, becomes, dependsOn, allowGateChange }) => {
    const after = dependsOn.length === 0 ? "" : `  after ${dependsOn.join(", ")}`;
    const gate =
      allowGateChange.length === 0 ? "" : `  may change its gate: ${allowGateChange.join(", ")}`;
    const kind = becomes === null ? "" : `${becomes}  `;
    return `  ${oneLine(`${path}  ${kind}${title}${after}${gate}`)}`;
  });
  if (status !== "draft")
    return [paint(look, "bold", `documents of ${oneLine(id)}`), ...lines].join("\n");
  const { loops, costUsd } = estimate;
  const money = costUsd === null ? "unknown" : `about ${cost(costUsd)}`;
  return [
    paint(look, "bold", `draft of ${oneLine(id)}`),
    ...lines,
    `  estimate: ${loops === null ? "loops unknown" : `about ${loops} loops`}, cost ${money}`,
    `  next: td show ${id} --documents, then td approve ${id}, td reject ${id} --feedback "…" or td edit ${id}`,
  ].join("\n");
}

/** The documents themselves, as a person reads them before approval. */
export function documentsText({ documents }: DraftView, look: Look): string {
  return documents
    .map(({ path, name, text }) => {
      const head = paint(look, "bold", `── ${oneLine(path === "" ? name : path)} ──`);
      return `${head}\n${strip(text).trimEnd()}\n`;
    })
    .join("\n");
}
