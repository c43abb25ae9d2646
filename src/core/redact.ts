/** Stands in place of a secret. Its brackets are in none of the patterns below. */
const mark = "[redacted]";

/** Shorter secrets would take ordinary words with them. */
const secretCharsMin = 8;

/** A token starts here: after no letter, digit, `_` or `-`, or after an escaped line break. */
const start = String.raw`(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))`;

const tokens = [
  "sk-ant-[A-Za-z0-9_-]{10,4096}",
  // A digit and a long run tell a key from a class name like sk-folding-cube.
  String.raw`sk-(?=[A-Za-z0-9_-]{0,200}\d)(?=[A-Za-z0-9_-]{0,200}[A-Za-z0-9]{16})[A-Za-z0-9_-]{20,4096}`,
  "[sr]k_(?:live|test)_[A-Za-z0-9]{16,4096}",
  "gh[pousr]_[A-Za-z0-9]{20,4096}",
  "github_pat_[A-Za-z0-9_]{20,4096}",
  "glpat-[A-Za-z0-9_-]{20,4096}",
  "npm_[A-Za-z0-9]{30,4096}",
  "hf_[A-Za-z0-9]{30,4096}",
  "xox[abposr]-[A-Za-z0-9-]{10,4096}",
  "AIza[A-Za-z0-9_-]{35,4096}",
  "(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
  String.raw`eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,4096}`,
];

/**
 * Each is linear: a token is tried at its start only, and every repetition is bounded (without a
 * bound V8 runs out of stack at 10 MB). What the group of a pattern caught stays.
 */
const shapes: readonly RegExp[] = [
  // A whole key in PEM, or the beginning of one that was cut.
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:[A-Za-z0-9+/=\s\\:,.()]|-(?!----)){1,20000}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?:(?:\s|\\[nr]){0,4}[A-Za-z0-9+/=]{16,128}){1,400})()/g,
  new RegExp(`${start}(?:${tokens.join("|")})()`, "g"),
  /(\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token)\s{1,4})[A-Za-z0-9._~+/=-]{8,4096}/gi,
  // A variable in place of the password is no secret.
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/?#"'`<>[\]]{0,256}:)(?![$%{])[^\s@/?#"'`<>[\]]{1,512}(?=@)/gi,
];

/** Takes known secrets, in the usual encodings too, and what looks like one out of a text. */
export function createRedact(secrets: readonly string[]): (text: string) => string {
  const known = secrets
    .filter((secret) => secret.length >= secretCharsMin)
    .flatMap(formsOf)
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const needles = [...new Set(known)];
  return (text) => {
    let clean = text;
    for (const needle of needles) clean = without(clean, needle);
    for (const shape of shapes) clean = clean.replace(shape, `$1${mark}`);
    return clean;
  };
}

/** What stands in a mark already is no secret any more, even if a secret looks like it. */
function without(text: string, needle: string): string {
  if (!text.includes(needle)) return text;
  const parts = text.split(mark);
  return parts.map((part) => part.replaceAll(needle, mark)).join(mark);
}

/** The secret as it is, in a JSON string, in a URL, and in base64 at any place of a longer text. */
function formsOf(secret: string): string[] {
  const bytes = bytesOf(secret);
  const encoded = [0, 1, 2].flatMap((offset) => {
    const base64 = base64Of(bytes, offset);
    return [base64, base64.replaceAll("+", "-").replaceAll("/", "_")];
  });
  return [secret, JSON.stringify(secret).slice(1, -1), urlEncoded(secret), ...encoded];
}

function urlEncoded(secret: string): string {
  return encodeURIComponent(secret.toWellFormed());
}

function bytesOf(text: string): number[] {
  const bytes: number[] = [];
  const encoded = urlEncoded(text);
  for (let at = 0; at < encoded.length; at += 1) {
    if (encoded[at] !== "%") bytes.push(encoded.charCodeAt(at));
    else {
      bytes.push(Number.parseInt(encoded.slice(at + 1, at + 3), 16));
      at += 2;
    }
  }
  return bytes;
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Those base64 digits that the bytes alone decide when `offset` other bytes stand before them. */
function base64Of(bytes: readonly number[], offset: number): string {
  const bits = [...Array<number>(offset).fill(0), ...bytes]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  let text = "";
  const first = Math.ceil((offset * 8) / 6);
  for (let digit = first; (digit + 1) * 6 <= bits.length; digit += 1) {
    text += digits[Number.parseInt(bits.slice(digit * 6, digit * 6 + 6), 2)];
  }
  return text;
}
