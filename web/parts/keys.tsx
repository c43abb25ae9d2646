import { useEffect, useRef } from "react";
import { go } from "../route.ts";
import { views } from "./views.ts";

interface Key {
  readonly key: string;
  readonly does: string;
  readonly act: () => void;
}

/** Everything a key does anywhere; the help is made of it. */
const keys: readonly Key[] = [
  ...views.map(({ path, name }, index) => ({
    key: String(index + 1),
    does: name,
    act: () => go(path),
  })),
  { key: "/", does: "filter", act: () => element("[data-filter]")?.focus() },
  { key: "j", does: "next row", act: () => step(1) },
  { key: "k", does: "row before", act: () => step(-1) },
  { key: "T", does: "theme", act: () => element('[data-key="T"]')?.click() },
  { key: "?", does: "this help", act: () => element<HTMLDialogElement>("#keys")?.showModal() },
];

function element<T extends HTMLElement = HTMLElement>(selector: string): T | null {
  return document.querySelector<T>(selector);
}

/** The next row of the list that is focused, or its first. */
function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.matches(":focus"));
  const next = at === -1 ? rows[0] : rows[at + by];
  next?.focus();
}

export function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { target, key } = event;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const isTyping = target instanceof HTMLElement && target.closest("input, textarea, select");
      if (isTyping || document.querySelector("dialog[open]") !== null) return;
      const found = keys.find((each) => each.key === key);
      if (found === undefined) return;
      event.preventDefault();
      found.act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

export function KeyHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <dialog id="keys" ref={dialog} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl className="keys">
        {keys.map(({ key, does }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}
