import { type Account, type MutableBooks, rootIdOf, type Spending } from "./ledger.ts";
import type { Loop, LoopId } from "./loop.ts";
import type { State } from "./state.ts";

/** What an event about money left of the books beyond one loop. */
export interface Money {
  readonly spending: Spending;
  readonly plan: { readonly root: LoopId; readonly account: Account } | null;
}

/** Null: of a call that belongs to no loop. */
export function moneyOf({ spending, plans }: State, loop: Loop | null): Money {
  if (loop === null) return { spending, plan: null };
  const root = rootIdOf(loop);
  const account = plans.get(root);
  return { spending, plan: account === undefined ? null : { root, account } };
}

export function adoptMoney(books: MutableBooks, { spending, plan }: Money): void {
  books.spending = spending;
  if (plan !== null) books.plans.set(plan.root, plan.account);
}
