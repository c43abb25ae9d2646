import { rootIdOf } from "./ledger.ts";
import type { Loop, LoopId } from "./loop.ts";
import { childrenOf, loopOf, type State } from "./state.ts";

/** What a document asks for besides the configured command. */
export interface Check {
  /** Whose document it is. */
  readonly of: LoopId;
  readonly command: string;
  /** Others have done a part of what it is about. */
  readonly isShared: boolean;
}

/**
 * What else has to pass for this loop to be done: the check of its own document, and those of the
 * levels above that are done with it. What is split is checked with its last part, on a base that
 * has the other parts: in the merge queue at the latest.
 */
export function checksDue(
  state: State,
  loop: Loop,
  /** Taken for complete. */
  done: ReadonlySet<LoopId> = new Set(),
): readonly Check[] {
  const due = ownChecks(loop, false);
  let [at, isShared] = [loop, false];
  while (at.parent !== null) {
    const siblings = childrenOf(state, at.parent).filter(({ id, dropped }) => {
      return id !== at.id && !dropped;
    });
    if (siblings.some(({ id, status }) => status !== "complete" && !done.has(id))) break;
    isShared ||= siblings.length > 0;
    if (isShared && !hasOthersWork(state, loop)) break;
    at = loopOf(state, at.parent);
    due.push(...ownChecks(at, isShared));
  }
  return eachOnce(due);
}

/** A command that several ask for runs once, and on the whole if any of them means that. */
function eachOnce(due: readonly Check[]): readonly Check[] {
  const isFirst = ({ command }: Check, index: number) =>
    due.findIndex((other) => other.command === command) === index;
  return due.filter(isFirst).map((check) => {
    const isShared = due.some(({ command, isShared }) => isShared && command === check.command);
    return { ...check, isShared };
  });
}

/** What its own document asks for, once all below it is done. */
export function checksOf(loop: Loop): readonly Check[] {
  return ownChecks(loop, true);
}

/** Whether the verdict on a loop's work says nothing of a check that is due for it by now. */
export function isMoreDue(state: State, loop: Loop): boolean {
  const passed = loop.verdict?.also ?? [];
  return checksDue(state, loop).some(
    ({ command, isShared }) => isShared || !passed.includes(command),
  );
}

function ownChecks({ id, settings, documents }: Loop, isShared: boolean): Check[] {
  const ofItself = documents.flatMap(({ becomes, validate }) =>
    becomes === null && validate !== null ? [validate] : [],
  );
  const commands = [...(settings.gate.also ?? []), ...ofItself];
  return commands.map((command) => ({ of: id, command, isShared }));
}

/** On the newest end of its plan's branch. */
function hasOthersWork(state: State, loop: Loop): boolean {
  if (loop.merge !== null) return true;
  const { tip } = loopOf(state, rootIdOf(loop));
  return tip === null || tip === loop.settings.baseCommit;
}
