import { type FormEvent, useCallback, useRef, useState } from "react";
import type { BoardRow } from "../../src/protocol/board.ts";
import { api } from "../api.ts";
import { useAsked } from "./asked.ts";
import { Diff, type Place } from "./diff.tsx";
import { attempt } from "./toasts.tsx";

interface Remark extends Place {
  readonly text: string;
}

/** From the base to the newest checkpoint, with remarks that go back to the loop. */
export function LoopDiff({ row }: { readonly row: BoardRow }) {
  const { id, headCommit } = row;
  const asked = useAsked(() => api.diff(id), `${id} ${headCommit}`);
  const [remarks, setRemarks] = useState<readonly Remark[]>([]);
  const [place, setPlace] = useState<Place | null>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const comment = useCallback((at: Place) => {
    setPlace(at);
    dialog.current?.showModal();
  }, []);
  if (asked.state === "asking") return <p className="empty">…</p>;
  if (asked.state === "refused") return <p role="alert">{asked.reason}</p>;
  const add = (text: string) => {
    if (place !== null) setRemarks([...remarks, { ...place, text }]);
    dialog.current?.close();
  };
  return (
    <section className="panel">
      {asked.value !== "" && <Remarks id={id} remarks={remarks} set={setRemarks} />}
      <Diff text={asked.value} comment={comment} />
      <RemarkDialog dialog={dialog} place={place} add={add} />
    </section>
  );
}

function Remarks({
  id,
  remarks,
  set,
}: {
  readonly id: string;
  readonly remarks: readonly Remark[];
  readonly set: (remarks: readonly Remark[]) => void;
}) {
  if (remarks.length === 0) {
    return <p className="dim">A line's number takes a remark; remarks go back to the loop.</p>;
  }
  const send = async () => {
    const isSent = await attempt(
      () => api.feedback(id, textOf(remarks)),
      // What has ended is not begun again: another loop goes on from there.
      (by) => (by.id === id ? "your remarks are sent" : `loop ${by.id} takes your remarks up`),
    );
    if (isSent) set([]);
  };
  return (
    <div className="remarks">
      <h2>Remarks</h2>
      <ul>
        {remarks.map((remark) => (
          <li key={`${remark.file} ${remark.line.after} ${remark.line.before} ${remark.text}`}>
            <code>{whereOf(remark)}</code> {remark.text}{" "}
            <button type="button" onClick={() => set(remarks.filter((each) => each !== remark))}>
              remove
            </button>
          </li>
        ))}
      </ul>
      <button type="button" className="main" onClick={() => void send()}>
        Send to the loop
      </button>
    </div>
  );
}

function whereOf({ file, line }: Place): string {
  return `${file}:${line.after ?? `${line.before} (removed)`}`;
}

function textOf(remarks: readonly Remark[]): string {
  const said = remarks.map((remark) => `${whereOf(remark)}\n> ${remark.line.text}\n${remark.text}`);
  return `Remarks on your changes:\n\n${said.join("\n\n")}`;
}

function RemarkDialog({
  dialog,
  place,
  add,
}: {
  readonly dialog: React.RefObject<HTMLDialogElement | null>;
  readonly place: Place | null;
  readonly add: (text: string) => void;
}) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    add(String(new FormData(event.currentTarget).get("text") ?? ""));
    event.currentTarget.reset();
  };
  return (
    <dialog ref={dialog} aria-labelledby="remark-title">
      <h2 id="remark-title">{place === null ? "Remark" : whereOf(place)}</h2>
      <pre>{place?.line.text}</pre>
      <form onSubmit={submit}>
        <label>
          Remark
          <textarea name="text" rows={4} required />
        </label>
        <p className="buttons">
          <button type="submit" className="main">
            Add
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  );
}
