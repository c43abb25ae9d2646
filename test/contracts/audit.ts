import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LoopId } from "../../src/core/loop.ts";
import type { Audit, AuditAct } from "../../src/ports/audit.ts";
import { StoreBroken } from "../../src/ports.ts";

/** A place where an audit can be. */
export interface AuditPlace {
  open(): Promise<Audit>;
  /** Every act that is kept, in order. */
  acts(): Promise<readonly AuditAct[]>;
  /** From now on nothing can be written. */
  breakDisk(): void;
  remove(): Promise<void>;
}

export function act(n: number): AuditAct {
  return { type: "tool", loop: "7.1" as LoopId, iteration: 1, name: "bash", input: { n } };
}

/** What every Audit keeps. */
export function auditContract(name: string, makePlace: () => Promise<AuditPlace>): void {
  describe(`${name} keeps the contract of Audit`, () => {
    let place: AuditPlace;
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(() => place.remove());

    test("an audit without records has an anchor of none", async () => {
      const audit = await place.open();
      expect((await audit.anchor()).count).toBe(0);
    });

    test("acts are kept in the order of the calls, also of those that nobody awaited", async () => {
      const audit = await place.open();
      const acts = Array.from({ length: 200 }, (_, n) => act(n));
      await Promise.all(acts.map((each) => audit.record(each)));
      expect((await audit.anchor()).count).toBe(200);
      expect(await place.acts()).toEqual(acts);
    });

    test("an anchor has what was recorded before it, and every record changes its hash", async () => {
      const audit = await place.open();
      const hashes = new Set<string>();
      for (let n = 1; n <= 5; n += 1) {
        const recording = audit.record(act(n));
        const head = await audit.anchor();
        expect(head.count).toBe(n);
        hashes.add(head.hash);
        await recording;
      }
      expect(hashes.size).toBe(5);
      expect(await audit.anchor()).toEqual(await audit.anchor());
    });

    test("once it cannot be written nothing is taken any more", async () => {
      const audit = await place.open();
      await audit.record(act(1));
      await audit.anchor();
      place.breakDisk();
      const refused = await audit
        .record(act(2))
        .then(() => audit.anchor())
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(StoreBroken);
      await expect(audit.record(act(3))).rejects.toBeInstanceOf(StoreBroken);
      await expect(audit.anchor()).rejects.toBeInstanceOf(StoreBroken);
    });
  });
}
