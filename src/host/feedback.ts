import type { Loop } from "../core/loop.ts";
import type { RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { type LoopView, loopView } from "../views/loop-view.ts";
import type { Host } from "./host.ts";
import { find } from "./reader.ts";

/**
 * A person's remarks on what a loop did. A draft is refined with them, a loop that asks has its
 * answer, one that goes on reads them in its next conversation; what is complete stays as it is,
 * and another loop begins where it ended.
 */
export async function feedback(
  host: Host,
  name: string,
  text: string,
  create: (request: RunRequest) => Promise<LoopView>,
): Promise<LoopView> {
  const loop = find(host.states.state, name);
  const { id, repo, status, blockedOn } = loop;
  if (status === "draft" || (status === "delegated" && loop.documents.length > 0)) {
    return host.ask({ type: "reject", id, feedback: text });
  }
  if (status === "blocked" && blockedOn === "question") {
    return host.ask({ type: "answer", id, answer: text });
  }
  if (status === "complete") return create(sequel(loop, text));
  if (status === "stopped") {
    throw new UserError(exitCodes.usage, `${id} was stopped: nobody would read that`);
  }
  await host.tell({
    type: "tell",
    letter: { kind: "share", to: id, body: text },
    repo,
    plan: null,
  });
  return loopView(find(host.states.state, id), null);
}

function sequel({ id, title, repo, settings, delivered, type, priority }: Loop, text: string) {
  if (delivered === null) {
    const message = `${id} is complete and its work was not delivered: td diff ${id} shows it`;
    throw new UserError(exitCodes.usage, message);
  }
  const { gate, iterationsMax, model, budgetUsd, deliver } = settings;
  const task = `Loop ${id} did this: ${title}\n\nA person read its changes, which are in your worktree, and says:\n\n${text}`;
  const validate = gate.command;
  const base = delivered.to;
  const same = { type, dir: repo, iterationsMax, model, budgetUsd, priority, deliver, base };
  return { ...same, validate, task, after: [] };
}
