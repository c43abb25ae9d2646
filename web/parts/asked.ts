import { useEffect, useState } from "react";
import { useSeen } from "../store.ts";

export type Asked<T> =
  | { readonly state: "asking" }
  | { readonly state: "there"; readonly value: T }
  | { readonly state: "refused"; readonly reason: string };

/**
 * What a route answers, asked again whenever `key` changes or the daemon is back; the last answer
 * stays meanwhile. With `everyMs` also as time passes, while the page is seen.
 */
export function useAsked<T>(
  ask: () => Promise<T>,
  key: string,
  everyMs: number | null = null,
): Asked<T> {
  const [asked, setAsked] = useState<Asked<T>>({ state: "asking" });
  const isLost = useSeen((now) => now.connection === "lost");
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` names what `ask` asks for
  useEffect(() => {
    if (isLost) return;
    let isOver = false;
    const again = () => {
      ask().then(
        (value) => isOver || setAsked({ state: "there", value }),
        (error: unknown) => {
          if (!isOver) setAsked({ state: "refused", reason: String((error as Error).message) });
        },
      );
    };
    again();
    const timer = everyMs === null ? null : setInterval(() => document.hidden || again(), everyMs);
    return () => {
      isOver = true;
      if (timer !== null) clearInterval(timer);
    };
  }, [key, everyMs, isLost]);
  return asked;
}
