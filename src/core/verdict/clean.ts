/**
 * What a terminal would show, as plain text (`stripAnsi`), and the same without what differs
 * from run to run (`normalise`). Both are linear in the length of the text, and idempotent.
 */

const eraseLine = "\u0000";

// One pass over all of it: nothing is left that could join to a new sequence.
const control = new RegExp(
  [
    String.raw`\u001b\][^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?`, // OSC, hyperlinks too
    String.raw`\u001b[PX^_][^\u001b\u009c\n]*(?:\u001b\\|\u009c)?`, // DCS, SOS, PM, APC
    String.raw`(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?`, // CSI
    String.raw`\u001b[ -/]*[0-~]?`,
    String.raw`[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f-\u009f]`,
  ].join("|"),
  "g",
);

/** Takes escape sequences and control characters out; carriage returns and backspaces are obeyed. */
export function stripAnsi(text: string): string {
  const plain = text
    .replaceAll("\r\n", "\n")
    .replace(control, (found) => (isEraseLine(found) ? eraseLine : ""));
  if (!/[\r\b]/.test(plain)) return plain.replaceAll(eraseLine, "");
  return plain.split("\n").map(overwritten).join("\n");
}

function isEraseLine(sequence: string): boolean {
  return sequence.length > 1 && sequence.endsWith("K") && /[[\u009b][0-2]?K$/.test(sequence);
}

/** One line as it looks after the cursor went back in it. */
function overwritten(line: string): string {
  if (!/[\r\b]/.test(line)) return line.replaceAll(eraseLine, "");
  const cells: string[] = [];
  let column = 0;
  for (const character of line) {
    if (character === "\r") column = 0;
    else if (character === "\b") column = Math.max(0, column - 1);
    else if (character === eraseLine) cells.length = column;
    else {
      cells[column] = character;
      column += 1;
    }
  }
  return cells.join("");
}

type Rule = readonly [pattern: RegExp, replacement: string];

const month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}";
const clockTime = String.raw`\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?`;

// A number beside < or > belongs to a placeholder; that is what makes a second pass change nothing.
const rules: readonly Rule[] = [
  [/(?<![\w<>-])[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}(?![\w<>-])/gi, "<uuid>"],
  [/(?:\/private)?\/(?:tmp|var\/tmp)\/pytest-of-[^\s/<>]{1,64}\/pytest-\d{1,9}(?!\d)/g, "<tmp>"],
  [/(?:\/private)?\/var\/folders\/[\w+-]{1,64}\/[\w+-]{1,64}\/T\/[^\s/'"`<>()[\]:,;]+/g, "<tmp>"],
  [/(?:\/private)?\/(?:tmp|var\/tmp|dev\/shm)\/[^\s/'"`<>()[\]:,;]+/g, "<tmp>"],
  [
    /(?<![\w<>-])\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d{2}:?\d{2})?(?![\w<>-])/g,
    "<date>",
  ],
  [
    new RegExp(
      String.raw`(?<![\w<>])(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:\d{1,2} ${month}|${month} +\d{1,2})(?: \d{4})? ${clockTime}(?: (?:GMT|UTC|CES?T|[+-]\d{4}))?(?: \d{4})?(?![\w<>])`,
      "g",
    ),
    "<date>",
  ],
  [new RegExp(String.raw`(?<![\w<>.:])${clockTime}(?: ?[AP]M)?(?![\w<>:])`, "g"), "<time>"],
  [
    /(?<![\w<>.])\d{1,12}(?:[.,]\d{1,12})? ?(?:ns|[µμu]s|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)(?![\w<>])/g,
    "<time>",
  ],
  [
    /(duration_ms|duration|elapsed)(["']?[:=]? ?)\d{1,12}(?:\.\d{1,12})?(?![\w<>.])/gi,
    "$1$2<time>",
  ],
  [/(?<![\w<>])0x[\da-f]{4,}(?![\w<>])/gi, "<hex>"],
  [/(?<![\w<>])(?=[\da-f]*\d)(?=[\da-f]*[a-f])[\da-f]{16,64}(?![\w<>])/g, "<hash>"],
  [/(?<![\w<>])(pid|process id)([ :=#]{1,3})\d{1,10}(?![\w<>])/gi, "$1$2<pid>"],
  [/\(node:\d{1,10}\)/g, "(node:<pid>)"],
  [/(?<![\w<>])(thread '[^'\n]{0,200}' )\(\d{1,10}\)/g, "$1(<pid>)"],
  [/(?<![=\w<>])==\d{1,10}==(?!=)/g, "==<pid>=="],
  [/(?<![\w<>])(127\.0\.0\.1|0\.0\.0\.0|localhost|\[::1?\]):\d{2,5}(?![\w<>])/gi, "$1:<port>"],
  [/(?<![A-Za-z<>])(seed)(["']?(?: is)?[:= ]{1,3})-?\d{1,20}(?![\w<>])/gi, "$1$2<seed>"],
];

const bar = /[[|(▕]?[=#>█▉▊▋▌▍▎▏░▒▓━╸╺]{4,}[=#>█▉▊▋▌▍▎▏░▒▓━╸╺ .-]*[\])|▏]?/;
const spinner = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g;
const barred = /\d{1,3}(?:\.\d{1,3})? ?%|\d{1,9}\/\d{1,9}/;

/**
 * The text without what differs from run to run though nothing changed: timings, dates, temporary
 * paths, addresses, ports, pids, seeds, progress bars. `worktrees` are absolute path prefixes.
 */
export function normalise(text: string, worktrees: readonly string[]): string {
  let result = stripAnsi(text);
  for (const prefix of worktrees.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1))) {
    const dir = prefix.replace(/\/+$/, "");
    if (!/^(?:\/[^/<>]|[A-Za-z]:\\)/.test(dir)) continue;
    result = result.replace(new RegExp(`${literal(dir)}(?![\\w-])`, "g"), "<worktree>");
  }
  for (const [pattern, replacement] of rules) result = result.replace(pattern, replacement);
  return result
    .split("\n")
    .filter((line) => !isProgress(line))
    .map((line) => line.replace(spinner, "").trimEnd())
    .join("\n");
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

/** A line that is drawn over and over: a bar with a percentage or a count beside it. */
function isProgress(line: string): boolean {
  return line.length < 400 && barred.test(line) && bar.test(line);
}
