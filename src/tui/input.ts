/** What a person does, from the bytes of a terminal: several keys in one chunk are several keys. */

export type Input =
  /** A character, or a name such as `up`, `enter`, `C-p`. */
  | { readonly type: "key"; readonly key: string }
  | { readonly type: "paste"; readonly text: string }
  | {
      readonly type: "mouse";
      readonly does: "press" | "wheelUp" | "wheelDown";
      readonly x: number;
      readonly y: number;
    };

const pasteBegin = "\u001b[200~";
const pasteEnd = "\u001b[201~";
/** A paste without an end, or a sequence without one, is given up here. */
const pasteCharsMax = 1_000_000;
const sequenceCharsMax = 64;

const named: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\t": "tab",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u001b[A": "up",
  "\u001b[B": "down",
  "\u001b[C": "right",
  "\u001b[D": "left",
  "\u001bOA": "up",
  "\u001bOB": "down",
  "\u001bOC": "right",
  "\u001bOD": "left",
  "\u001b[H": "home",
  "\u001b[F": "end",
  "\u001bOH": "home",
  "\u001bOF": "end",
  "\u001b[1~": "home",
  "\u001b[4~": "end",
  "\u001b[7~": "home",
  "\u001b[8~": "end",
  "\u001b[3~": "delete",
  "\u001b[5~": "pageup",
  "\u001b[6~": "pagedown",
  "\u001b[Z": "S-tab",
};

/** Written so that no control character stands in the pattern. */
const pattern = (text: string) => new RegExp(text.replace("ESC", String.fromCharCode(27)));
const sequence = pattern(String.raw`^ESC(?:\[[0-?]*[ -/]*[@-~]|O[ -~])`);
const mouse = pattern(String.raw`^ESC\[<(\d{1,4});(\d{1,4});(\d{1,4})([Mm])$`);
const unfinished = pattern(String.raw`^ESC(?:O|\[[0-?]*[ -/]*)?$`);
/** Alt with a key comes as Escape and the key, at once. */
const withAlt: Readonly<Record<string, string>> = { "\r": "M-enter", "\u007f": "C-w", "\b": "C-w" };
const segmenter = new Intl.Segmenter();

/** Keeps what may still become a key; `flush` says that nothing more came. */
export class InputParser {
  #rest = "";

  /** Whether a lone Escape, or the beginning of a sequence, waits for more. */
  get isWaiting(): boolean {
    return this.#rest !== "" && !this.#rest.startsWith(pasteBegin);
  }

  feed(chunk: string): Input[] {
    this.#rest += chunk;
    const inputs: Input[] = [];
    while (this.#rest !== "") {
      const length = this.#take(inputs);
      if (length === 0) break;
      this.#rest = this.#rest.slice(length);
    }
    return inputs;
  }

  flush(): Input[] {
    if (!this.isWaiting) return [];
    const rest = this.#rest;
    this.#rest = "";
    const inputs: Input[] = [{ type: "key", key: "escape" }];
    return rest === "\u001b" ? inputs : [...inputs, ...this.feed(rest.slice(1))];
  }

  /** How much of the rest it has understood; 0 when more must come. */
  #take(inputs: Input[]): number {
    const rest = this.#rest;
    if (rest.startsWith(pasteBegin)) return this.#takePaste(inputs);
    if (!rest.startsWith("\u001b")) return takeText(rest, inputs);
    const [found] = sequence.exec(rest) ?? [];
    if (found !== undefined) {
      if (found === pasteBegin) return 0;
      takeSequence(found, inputs);
      return found.length;
    }
    if (unfinished.test(rest) && rest.length < sequenceCharsMax) return 0;
    const alt = withAlt[rest[1] ?? ""];
    inputs.push({ type: "key", key: alt ?? "escape" });
    return alt === undefined ? 1 : 2;
  }

  #takePaste(inputs: Input[]): number {
    const end = this.#rest.indexOf(pasteEnd);
    if (end === -1 && this.#rest.length < pasteCharsMax) return 0;
    const stop = end === -1 ? this.#rest.length : end;
    inputs.push({ type: "paste", text: this.#rest.slice(pasteBegin.length, stop) });
    return end === -1 ? stop : end + pasteEnd.length;
  }
}

function takeSequence(found: string, inputs: Input[]): void {
  const pointed = mouse.exec(found);
  if (pointed !== null) {
    const [, button, column, row, ending] = pointed;
    const does = pointing[Number(button)];
    if (does === undefined || ending === "m") return;
    inputs.push({ type: "mouse", does, x: Number(column) - 1, y: Number(row) - 1 });
    return;
  }
  const key = named[found] ?? named[found.replace(/1;\d+/, "")];
  if (key !== undefined) inputs.push({ type: "key", key });
}

const pointing: Readonly<Record<number, "press" | "wheelUp" | "wheelDown">> = {
  0: "press",
  64: "wheelUp",
  65: "wheelDown",
};

/** Everything up to the next Escape, a cluster a key. */
function takeText(rest: string, inputs: Input[]): number {
  const next = rest.indexOf("\u001b");
  const text = next === -1 ? rest : rest.slice(0, next);
  for (const { segment } of segmenter.segment(text)) {
    // `\r\n` is one cluster and two keys.
    for (const key of segment.length > 1 && segment.startsWith("\r") ? [...segment] : [segment]) {
      inputs.push({ type: "key", key: keyOf(key) });
    }
  }
  return text.length;
}

const controlsFrom = 0x60;

function keyOf(cluster: string): string {
  const known = named[cluster];
  if (known !== undefined) return known;
  const code = cluster.charCodeAt(0);
  if (cluster.length > 1 || code >= 0x20) return cluster === " " ? "space" : cluster;
  return `C-${String.fromCharCode(code + controlsFrom)}`;
}
