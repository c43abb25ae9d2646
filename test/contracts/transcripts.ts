import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LoopId, noUsage } from "../../src/core/loop.ts";
import type { Redact, TranscriptEntry, Transcripts } from "../../src/ports.ts";

/** A place where transcripts can be: opened again, they are still there. */
export interface TranscriptsPlace {
  open(redact: Redact): Transcripts;
  remove(): Promise<void>;
}

export const loop = "7.1.2" as LoopId;

export const entries: readonly TranscriptEntry[] = [
  { at: 1, type: "prompt", system: "You are …", text: "Do it.\n漢 🙂" },
  { at: 2, type: "reply", turn: 1, text: "I will.", stopReason: "toolUse", usage: noUsage },
  { at: 3, type: "toolCall", id: "a", name: "edit", input: { path: "a.ts", lines: [1, null] } },
  { at: 4, type: "toolResult", id: "a", text: "done", isError: false, durationMs: 5 },
  {
    at: 5,
    type: "validation",
    command: "npm test",
    commit: "c".repeat(40),
    where: "fresh",
    exitCode: null,
    output: "",
    durationMs: 9,
  },
  { at: 6, type: "note", text: "interrupted" },
];

/** What every Transcripts keeps. */
export function transcriptsContract(
  name: string,
  makePlace: () => Promise<TranscriptsPlace>,
): void {
  describe(`${name} keeps the contract of Transcripts`, () => {
    const asIs: Redact = (text) => text;
    let place: TranscriptsPlace;
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(() => place.remove());

    test("what was never written is empty", async () => {
      expect(await place.open(asIs).read(loop, 1)).toEqual([]);
    });

    test("every kind of entry is read back in order, also after it is opened again", async () => {
      const transcripts = place.open(asIs);
      for (const entry of entries) transcripts.write(loop, 1, entry);
      await transcripts.flush();
      expect(await transcripts.read(loop, 1)).toEqual(entries);
      expect(await place.open(asIs).read(loop, 1)).toEqual(entries);
    });

    test("loops and iterations are kept apart", async () => {
      const transcripts = place.open(asIs);
      const places = [
        [loop, 1],
        [loop, 2],
        ["7.1" as LoopId, 1],
      ] as const;
      for (const [id, iteration] of places) {
        transcripts.write(id, iteration, { at: 1, type: "note", text: `${id} ${iteration}` });
      }
      await transcripts.flush();
      for (const [id, iteration] of places) {
        const read = await transcripts.read(id, iteration);
        expect(read).toEqual([{ at: 1, type: "note", text: `${id} ${iteration}` }]);
      }
    });

    test("a secret is in no text of any entry", async () => {
      const transcripts = place.open((text) => text.replaceAll("hunter2", "[redacted]"));
      const secret = "the key is hunter2!";
      transcripts.write(loop, 1, { at: 1, type: "prompt", system: secret, text: secret });
      const input = { [secret]: { deep: [{ command: secret }] } };
      transcripts.write(loop, 1, { at: 2, type: "toolCall", id: "a", name: "run", input });
      const result = { id: "a", isError: false, durationMs: 1 };
      transcripts.write(loop, 1, { at: 3, type: "toolResult", text: secret, ...result });
      await transcripts.flush();
      const read = JSON.stringify(await transcripts.read(loop, 1));
      expect(read).not.toContain("hunter2");
      expect(read.split("the key is [redacted]!")).toHaveLength(6);
    });
  });
}
