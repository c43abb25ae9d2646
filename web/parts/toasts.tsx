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

/** Does it, and says how that went; resolves to whether it went well. */
export async function attempt(doing: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await doing();
    say(done);
    return true;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), { isBad: true });
    return false;
  }
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
