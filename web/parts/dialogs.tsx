import { type FormEvent, type ReactNode, type RefObject, useId, useState } from "react";
import { plain } from "../../src/views/plain.ts";

type Dialog = RefObject<HTMLDialogElement | null>;

/** Resolves to why it was refused. */
type Send = (text: string) => Promise<string | null>;

/** Asks for a text; closes once it was taken, and says why it was not. */
export function AskText(asked: {
  readonly dialog: Dialog;
  readonly title: string;
  readonly label: string;
  readonly verb: string;
  readonly hint: string;
  readonly send: Send;
}) {
  return (
    <Ask {...asked}>
      <label>
        {asked.label}
        <textarea name="text" rows={5} required placeholder={asked.hint} />
      </label>
    </Ask>
  );
}

const centsUp = (dollars: number) => Math.ceil((dollars + 0.01) * 100) / 100;

/** Asks for dollars, more than `min`. */
export function AskMoney(asked: {
  readonly dialog: Dialog;
  readonly title: string;
  readonly label: string;
  readonly verb: string;
  readonly min: number;
  readonly send: Send;
}) {
  const { label, min } = asked;
  return (
    <Ask {...asked}>
      <label>
        {label}
        <input name="text" type="number" min={centsUp(min)} max="1000000" step="any" required />
      </label>
    </Ask>
  );
}

function Ask({
  dialog,
  title,
  verb,
  send,
  children,
}: {
  readonly dialog: Dialog;
  readonly title: string;
  readonly verb: string;
  readonly send: Send;
  readonly children: ReactNode;
}) {
  const heading = useId();
  const [refusal, setRefusal] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const why = await send(String(new FormData(form).get("text") ?? ""));
    setRefusal(why);
    if (why !== null) return;
    form.reset();
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={() => setRefusal(null)}>
      <h2 id={heading} className="said">
        {plain(title)}
      </h2>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        <Refusal text={refusal} />
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

function Refusal({ text }: { readonly text: string | null }) {
  if (text === null) return null;
  return (
    <p role="alert" className="bad">
      {plain(text)}
    </p>
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
  readonly act: () => Promise<string | null>;
}) {
  const heading = useId();
  const [refusal, setRefusal] = useState<string | null>(null);
  const confirmed = async () => {
    const why = await act();
    setRefusal(why);
    if (why === null) dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={() => setRefusal(null)}>
      <h2 id={heading}>{title}</h2>
      <p>{text}</p>
      <Refusal text={refusal} />
      <p className="buttons">
        <button type="button" className="danger" onClick={() => void confirmed()}>
          {verb}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
      </p>
    </dialog>
  );
}
