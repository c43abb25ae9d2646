/** Where in the page we are: the path, so that every view has a link of its own. */
import { type MouseEvent, useSyncExternalStore } from "react";

const moved = "td:moved";

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(moved, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(moved, listener);
  };
}

/** The path with its query. */
export function useRoute(): URL {
  return new URL(useSyncExternalStore(subscribe, () => location.href));
}

export function go(path: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace === true) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  dispatchEvent(new Event(moved));
}

/** For links within the page; those that a person wants elsewhere are left to the browser. */
export function follow(event: MouseEvent<Element>): void {
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey);
  const link = event.currentTarget.closest("a");
  const href = link?.getAttribute("href");
  if (!isPlain || href === null || href === undefined) return;
  event.preventDefault();
  go(href);
}
