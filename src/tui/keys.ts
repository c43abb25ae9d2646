/** The one table of keys: what they do, the help, the hints and what may be remapped come from it. */

type Where = "everywhere" | "lists" | "loops" | "detail" | "plan" | "records" | "chat";

export interface Binding {
  readonly keys: readonly string[];
  readonly where: Where;
  readonly help: string;
  /** A word for the hint bar; without one it is not there. */
  readonly hint?: string;
}

const bindings = {
  chat: { keys: ["1"], where: "everywhere", help: "Chat: talk with a model about the repository" },
  plan: { keys: ["2"], where: "everywhere", help: "Plan: drafts and plans" },
  executions: { keys: ["3"], where: "everywhere", help: "Executions: the live tree" },
  records: { keys: ["4"], where: "everywhere", help: "Records: what has ended" },
  events: { keys: ["5"], where: "everywhere", help: "Events: the log" },
  "next-pane": { keys: ["tab"], where: "everywhere", help: "the other pane" },
  "previous-pane": { keys: ["S-tab"], where: "everywhere", help: "the other pane, backwards" },
  "previous-tab": { keys: ["["], where: "everywhere", help: "the tab before" },
  "next-tab": { keys: ["]"], where: "everywhere", help: "the next tab" },
  down: { keys: ["j", "down"], where: "everywhere", help: "down", hint: "move" },
  up: { keys: ["k", "up"], where: "everywhere", help: "up" },
  top: { keys: ["g", "home"], where: "everywhere", help: "to the top" },
  bottom: { keys: ["G", "end"], where: "everywhere", help: "to the bottom" },
  "page-down": { keys: ["pagedown"], where: "everywhere", help: "a page down" },
  "page-up": { keys: ["pageup"], where: "everywhere", help: "a page up" },
  "half-down": { keys: ["C-d"], where: "everywhere", help: "half a page down" },
  "half-up": { keys: ["C-u"], where: "everywhere", help: "half a page up" },
  open: { keys: ["enter"], where: "everywhere", help: "open what is selected", hint: "open" },
  back: { keys: ["escape"], where: "everywhere", help: "one step back; never leaves" },
  fold: { keys: ["h", "left"], where: "lists", help: "fold, or go to the parent" },
  unfold: { keys: ["right"], where: "lists", help: "unfold, or go to the first child" },
  mark: { keys: ["space"], where: "loops", help: "mark; actions then concern all marks in sight" },
  filter: {
    keys: ["/"],
    where: "everywhere",
    help: "filter: words, status:failed, type:ralph",
    hint: "filter",
  },
  "next-match": { keys: ["n"], where: "everywhere", help: "the next match" },
  "previous-match": { keys: ["N"], where: "everywhere", help: "the match before" },
  sort: { keys: ["s"], where: "lists", help: "sort: tree, updated, cost, status" },
  freeze: {
    keys: ["f"],
    where: "everywhere",
    help: "freeze the list while you read; again: follow",
  },
  pause: { keys: ["p"], where: "loops", help: "pause", hint: "pause" },
  resume: { keys: ["r"], where: "loops", help: "resume", hint: "resume" },
  stop: { keys: ["x"], where: "loops", help: "stop for good, after asking", hint: "stop" },
  retry: { keys: ["R"], where: "loops", help: "retry what failed" },
  approve: { keys: ["a"], where: "loops", help: "approve a draft, after asking", hint: "approve" },
  reject: { keys: ["c"], where: "loops", help: "reject a draft, with what has to change" },
  edit: { keys: ["e"], where: "loops", help: "edit its documents or its task in $EDITOR" },
  answer: { keys: ["A"], where: "loops", help: "answer what it asks" },
  replay: { keys: ["L"], where: "loops", help: "replay its iterations, whole" },
  log: { keys: ["l"], where: "loops", help: "its output; what is folded unfolds first" },
  diff: { keys: ["d"], where: "loops", help: "its changes", hint: "diff" },
  why: { keys: ["w"], where: "loops", help: "why it is where it is", hint: "why" },
  "previous-iteration": { keys: ["{"], where: "detail", help: "replay: the iteration before" },
  "next-iteration": { keys: ["}"], where: "detail", help: "replay: the next iteration" },
  type: { keys: ["i"], where: "chat", help: "chat: to the line where one writes; Esc leaves it" },
  "new-line": {
    keys: ["M-enter", "C-j"],
    where: "chat",
    help: "chat: a new line in what you write; so does \\ before Enter",
  },
  compare: { keys: ["="], where: "records", help: "compare the two that are marked" },
  export: { keys: ["E"], where: "lists", help: "export this list: json, csv, md" },
  questions: { keys: ["!"], where: "everywhere", help: "what waits for your word" },
  alerts: { keys: ["@"], where: "everywhere", help: "what is the matter, and what to do" },
  zoom: { keys: ["+"], where: "everywhere", help: "this pane alone; again: both" },
  theme: { keys: ["T"], where: "everywhere", help: "theme: dark, light, plain" },
  copy: { keys: ["y"], where: "loops", help: "copy the id" },
  browse: { keys: ["o"], where: "loops", help: "open it in the browser, at the dashboard" },
  redraw: { keys: ["C-l"], where: "everywhere", help: "draw everything anew" },
  palette: {
    keys: [":", "C-p"],
    where: "everywhere",
    help: "palette: every action by name",
    hint: "command",
  },
  help: { keys: ["?"], where: "everywhere", help: "this help", hint: "help" },
  suspend: { keys: ["C-z"], where: "everywhere", help: "suspend; fg comes back" },
  quit: { keys: ["q"], where: "everywhere", help: "leave; the daemon goes on", hint: "leave" },
} as const satisfies Readonly<Record<string, Binding>>;

export type Action = keyof typeof bindings;
export type KeyMap = Readonly<Record<Action, readonly string[]>>;

export const actions = Object.keys(bindings) as readonly Action[];

export function bindingOf(action: Action): Binding {
  return bindings[action];
}

const defaultKeys = Object.fromEntries(
  actions.map((action) => [action, bindings[action].keys]),
) as unknown as KeyMap;

/** The person's keys over ours; what they name twice is told, and what they leave out stays. */
export function remapped(wanted: Readonly<Record<string, string | readonly string[]>>): {
  readonly keys: KeyMap;
  readonly problem: string | null;
} {
  const unknown = Object.keys(wanted).filter((name) => !isAction(name));
  const keys = { ...defaultKeys };
  for (const action of actions) {
    const given = wanted[action];
    if (given !== undefined) keys[action] = typeof given === "string" ? [given] : given;
  }
  const users = new Map<string, Action[]>();
  for (const action of actions) {
    for (const key of keys[action]) users.set(key, [...(users.get(key) ?? []), action]);
  }
  const [twice] = [...users].filter(([, of]) => of.length > 1);
  if (twice !== undefined) {
    const [key, of] = twice;
    return { keys: defaultKeys, problem: `${key} is ${of.join(" and ")}: ours hold` };
  }
  const [name] = unknown;
  return {
    keys,
    problem: name === undefined ? null : `there is no action ${name}; ? in td tui lists them`,
  };
}

function isAction(name: string): name is Action {
  return Object.hasOwn(bindings, name);
}

export function actionOf(keys: KeyMap, key: string): Action | null {
  return actions.find((action) => keys[action].includes(key)) ?? null;
}

const shownNames: Readonly<Record<string, string>> = {
  "M-enter": "Alt-Enter",
  escape: "Esc",
  enter: "Enter",
  space: "Space",
  tab: "Tab",
  "S-tab": "S-Tab",
  pageup: "PgUp",
  pagedown: "PgDn",
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  home: "Home",
  end: "End",
};

/** A key as a person reads it: `Ctrl-D`, `PgUp`, `j`. */
export function keyName(key: string): string {
  return (
    shownNames[key] ?? key.replace(/^C-(.)$/, (_, letter: string) => `Ctrl-${letter.toUpperCase()}`)
  );
}
