import { type FormEvent, type RefObject, useId } from "react";
import { plain } from "../../src/views/plain.ts";

type Dialog = RefObject<HTMLDialogElement | null>;

/** Asks for a text; closes once it was taken. */
export function AskText({
  dialog,
  title,
  label,
  verb,
  hint,
  send,
}: {
  readonly dialog: Dialog;
  readonly title: string;
  readonly label: string;
  readonly verb: string;
  readonly hint: string;
  readonly send: (text: string) => Promise<boolean>;
}) {
  const heading = useId();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const isTaken = await send(String(new FormData(form).get("text") ?? ""));
    if (!isTaken) return;
    form.reset();
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading}>
      <h2 id={heading} className="said">
        {plain(title)}
      </h2>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {label}
          <textarea name="text" rows={5} required placeholder={hint} />
        </label>
        <p className="buttons">
          <button type="submit" className="main">
            {verb}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  );
}

/** Asks once more before what cannot be undone. */
export function Confirm({
  dialog,
  title,
  text,
  verb,
  act,
}: {
  readonly dialog: Dialog;
  readonly title: string;
  readonly text: string;
  readonly verb: string;
  readonly act: () => Promise<boolean>;
}) {
  const heading = useId();
  return (
    <dialog ref={dialog} aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      <p>{text}</p>
      <p className="buttons">
        <button
          type="button"
          className="danger"
          onClick={() => void act().then((isDone) => isDone && dialog.current?.close())}
        >
          {verb}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
      </p>
    </dialog>
  );
}
