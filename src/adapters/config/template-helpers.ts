import { fence as fenced } from "../../core/fence.ts";

/** The text, its middle cut out when it has more than `charsMax` characters. */
export function truncate(value: unknown, charsMax: unknown): string {
  const text = asText(value);
  const most = Math.max(0, Math.floor(Number(charsMax)) || 0);
  if (text.length <= most) return text;
  const head = Math.floor(most / 3);
  const begin = text.slice(0, whole(text, head));
  const end = text.slice(whole(text, text.length - (most - head)));
  return `${begin}\n[… ${text.length - begin.length - end.length} characters left out …]\n${end}`;
}

/** Every line that has something on it, moved to the right. */
export function indent(value: unknown, columns: unknown): string {
  const count = Math.min(40, Math.max(0, Math.floor(Number(columns)) || 0));
  return asText(value).replaceAll(/^(?=[^\r\n])/gm, " ".repeat(count));
}

/** As a block that the value cannot close. */
export function fence(value: unknown, label?: unknown): string {
  return fenced(asText(value), typeof label === "string" ? label : "");
}

export function json(value: unknown): string {
  return JSON.stringify(value);
}

function asText(value: unknown): string {
  return Array.isArray(value) ? value.join("\n") : String(value);
}

/** The same index, or the one before when it would split a pair of surrogates. */
function whole(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff ? index - 1 : index;
}
