import { useRef } from "react";
import type { BoardRow } from "../../src/protocol/board.ts";
import { api } from "../api.ts";
import { money } from "../format.ts";
import { AskMoney, AskText, Confirm } from "./dialogs.tsx";
import { attempt, tried } from "./toasts.tsx";

/** What may be worth asking in each status; the daemon decides whether it is granted. */
const offered: Readonly<Record<string, readonly string[]>> = {
  draft: ["approve", "reject", "stop"],
  pending: ["pause", "stop"],
  running: ["pause", "stop"],
  delegated: ["pause", "stop"],
  paused: ["resume", "stop"],
  blocked: ["answer", "resume", "stop"],
  failed: ["retry", "stop"],
};

type Asked = Pick<BoardRow, "id" | "status" | "blockedOn" | "reason" | "usage">;

/** The buttons of a loop. */
export function Actions({ of }: { readonly of: Asked }) {
  const { id, status, blockedOn } = of;
  const isQuestion = ["question", "gate", "stuck"].includes(blockedOn ?? "");
  const has = (name: string) => offered[status]?.includes(name) === true;
  const button = (name: string, done: string, ask: () => Promise<unknown>) => (
    <button type="button" key={name} onClick={() => void attempt(ask, `${id} ${done}`)}>
      {name}
    </button>
  );
  return (
    <fieldset className="actions">
      <legend className="hidden">What to do with loop {id}</legend>
      {has("approve") && button("approve", "is approved", () => api.amend(id, { type: "approve" }))}
      {has("reject") && <Reject id={id} />}
      {has("answer") && isQuestion && <Answer of={of} />}
      {has("pause") && button("pause", "is paused", () => api.pause(id))}
      {has("resume") && blockedOn === "budget" && <Raise of={of} />}
      {has("resume") &&
        !isQuestion &&
        blockedOn !== "budget" &&
        button("resume", "goes on", () => api.resume(id))}
      {has("retry") && button("retry", "is tried again", () => api.resume(id))}
      {has("stop") && <Stop id={id} />}
    </fieldset>
  );
}

function Reject({ id }: { readonly id: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        reject…
      </button>
      <AskText
        dialog={dialog}
        title={`Reject ${id}`}
        label="What has to be different"
        verb="Reject"
        hint=""
        send={(feedback) =>
          tried(() => api.amend(id, { type: "reject", feedback }), `${id} is written anew`)
        }
      />
    </>
  );
}

function Answer({ of }: { readonly of: Asked }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { id, reason, blockedOn } = of;
  const hint = blockedOn === "gate" ? "allow or deny" : "";
  return (
    <>
      <button type="button" className="main" onClick={() => dialog.current?.showModal()}>
        answer…
      </button>
      <AskText
        dialog={dialog}
        title={reason ?? `Loop ${id} asks`}
        label="Your answer"
        verb="Answer"
        hint={hint}
        send={(text) => tried(() => api.answer(id, text), `${id} has its answer`)}
      />
    </>
  );
}

/** Who has spent a budget needs another one: resumed without, it would stop again at once. */
function Raise({ of }: { readonly of: Asked }) {
  const { id, usage } = of;
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" className="main" onClick={() => dialog.current?.showModal()}>
        resume…
      </button>
      <AskMoney
        dialog={dialog}
        title={`Resume ${id} with a higher budget`}
        label={`New limit, in dollars: ${money(usage.costUsd)} are spent already`}
        min={usage.costUsd ?? 0}
        verb="Resume"
        send={(dollars) => tried(() => api.resume(id, Number(dollars)), `${id} goes on`)}
      />
    </>
  );
}

function Stop({ id }: { readonly id: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" className="danger" onClick={() => dialog.current?.showModal()}>
        stop…
      </button>
      <Confirm
        dialog={dialog}
        title={`Stop ${id} and all below it?`}
        text="Stopped is for good. What it did so far stays in its worktree's trash and its history."
        verb="Stop it"
        act={() => tried(() => api.stop(id), `${id} is stopped`)}
      />
    </>
  );
}
