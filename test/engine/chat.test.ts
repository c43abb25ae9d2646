import { expect, test } from "vitest";
import { openChats } from "../../src/core/chat-money.ts";
import { dayOf, spentOn } from "../../src/core/ledger.ts";
import { SmallWorld } from "./small-world.ts";

test("a chat's call that a crash left open is charged at the next start, and once", async () => {
  const small = await SmallWorld.start({});
  const call = { type: "reserveChat", tokens: 10, usd: 0.5, dayUsd: 1 } as const;
  await small.ask({ ...call, turn: "c1.1.1.1" });
  for (let starts = 0; starts < 2; starts += 1) {
    await small.restart();
    await small.pass(1_000);
  }
  const { state } = small.states;
  expect(openChats(state)).toEqual([]);
  expect(spentOn(state.spending, dayOf(small.clock.now()))).toMatchObject({ usd: 0.5, tokens: 10 });
  expect(await small.ask({ ...call, usd: 0.6, turn: "c1.2.1.1" })).toMatchObject({ ok: false });
});
