import { useSyncExternalStore } from "react";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const shownMs = 8_000;
const toastsMax = 4;
let toasts: readonly Toast[] = [];
let newest = 0;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Says what became of something that was asked for. */
function say(text: string, { isBad }: { readonly isBad: boolean } = { isBad: false }): void {
  newest += 1;
  const id = newest;
  change([...toasts, { id, text, isBad }].slice(-toastsMax));
  setTimeout(() => change(toasts.filter((toast) => toast.id !== id)), shownMs);
}

/** Does it, and says that it is done; resolves to why not, which its dialog tells. */
export async function tried<T>(
  doing: () => Promise<T>,
  done: string | ((result: T) => string),
): Promise<string | null> {
  try {
    const result = await doing();
    say(typeof done === "string" ? done : done(result));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** As above, where no dialog is open: says both. Resolves to whether it went well. */
export async function attempt<T>(...asked: Parameters<typeof tried<T>>): Promise<boolean> {
  const refusal = await tried(...asked);
  if (refusal !== null) say(refusal, { isBad: true });
  return refusal === null;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, isBad }) => (
        <p key={id} className={isBad ? "bad" : "good"}>
          {text}
        </p>
      ))}
    </div>
  );
}
