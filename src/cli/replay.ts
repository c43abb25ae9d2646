import type { Usage } from "../core/loop.ts";
import type { IterationRecord, Reader } from "../protocol/door.ts";
import { exitCodes } from "../protocol/errors.ts";
import { diffText } from "./diff.ts";
import { type Look, paint } from "./look.ts";
import { openReader, type Session } from "./session.ts";
import { usageText } from "./summary.ts";
import { replayText } from "./transcript.ts";

/** `td replay ID`: the whole record of one iteration, or of all. */
export async function replay(
  session: Session,
  id: string,
  options: { readonly iteration?: number | undefined },
): Promise<number> {
  const reader = await openReader(session);
  const records = await recordsOf(reader, id, options.iteration);
  if (session.json) {
    session.printJson({ id, iterations: records });
    return exitCodes.done;
  }
  if (records.length === 0) session.say(`loop ${id} has no record yet`);
  for (const record of records) session.print(recordText(record, session.look));
  return exitCodes.done;
}

async function recordsOf(
  reader: Reader,
  id: string,
  iteration: number | undefined,
): Promise<readonly IterationRecord[]> {
  if (iteration !== undefined) return [await reader.record(id, iteration)];
  const records: IterationRecord[] = [];
  for (const each of await reader.iterations(id)) records.push(await reader.record(id, each));
  return records;
}

export function recordText({ iteration, entries, diff }: IterationRecord, look: Look): string {
  const title = iteration === 0 ? "before any work" : `iteration ${iteration}`;
  const replies = entries.flatMap((entry) => (entry.type === "reply" ? [entry.usage] : []));
  return [
    paint(look, "bold", `━━ ${title}`),
    ...entries.map((entry) => replayText(entry, look)),
    ...(diff === "" ? [] : [paint(look, "bold", "── changes"), diffText(diff, look)]),
    ...(replies.length === 0
      ? []
      : [paint(look, "dim", `── ${title} took ${usageText(sum(replies))}`)]),
    "",
  ].join("\n");
}

function sum(usages: readonly Usage[]): Usage {
  return usages.reduce((a, b) => ({
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    costUsd: a.costUsd === null || b.costUsd === null ? null : a.costUsd + b.costUsd,
    requests: a.requests + b.requests,
  }));
}
