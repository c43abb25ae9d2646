import { keyName } from "./keys.ts";
import { type Model, type ViewName, viewNames } from "./model.ts";

interface Tab {
  readonly view: ViewName;
  readonly x: number;
  readonly text: string;
}

const names: Readonly<Record<ViewName, string>> = {
  chat: "Chat",
  plan: "Plan",
  executions: "Executions",
  records: "Records",
  events: "Events",
};
const fullNamesColumns = 88;

/** Where the tabs of the header are; on a narrow screen only the view that is shown has its name. */
export function columnsOfTab({ columns, view, keys }: Model): readonly Tab[] {
  let x = 4;
  return viewNames.map((name) => {
    const isShown = name === view;
    const word = isShown || columns >= fullNamesColumns ? ` ${names[name]}` : "";
    const key = keyName(keys[name][0] ?? "");
    const text = isShown ? `[${key}${word}]` : ` ${key}${word} `;
    const tab = { view: name, x, text };
    x += text.length;
    return tab;
  });
}

export function tabAt(tabs: readonly Tab[], x: number): ViewName | null {
  return tabs.find((tab) => x >= tab.x && x < tab.x + tab.text.length)?.view ?? null;
}
