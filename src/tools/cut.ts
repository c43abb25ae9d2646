/** The first `charsMax` characters at most; never half a character, never half a cluster's mark. */
export function cutEnd(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : text.slice(0, boundary(text, charsMax));
}

/** Head and tail of a text that is too long, with a line between them that says what is missing. */
export function cutMiddle(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const half = Math.max(0, Math.floor((charsMax - noticeChars) / 2));
  const head = text.slice(0, lineEnd(text, boundary(text, half)));
  const tail = text.slice(lineStart(text, boundary(text, text.length - half)));
  const missing = text.length - head.length - tail.length;
  return `${head.trimEnd()}\n[… ${missing} characters left out here …]\n${tail}`;
}

const noticeChars = 60;
/** How far a cut moves to fall between lines. */
const lineCharsMax = 300;

/** The nearest place at or before `at` that is not inside a character or before a joined mark. */
function boundary(text: string, at: number): number {
  let place = at;
  for (let moved = 0; moved < 40 && place > 0 && place < text.length; moved += 1) {
    if (
      !/^(?:[\uDC00-\uDFFF]|\p{M}|\u200D)/u.test(text.slice(place, place + 2)) &&
      !joins(text, place)
    ) {
      return place;
    }
    place -= 1;
  }
  return place;
}

function joins(text: string, place: number): boolean {
  const before = text.charCodeAt(place - 1);
  return before === 0x200d || (before >= 0xd800 && before <= 0xdbff);
}

function lineEnd(text: string, at: number): number {
  const end = text.lastIndexOf("\n", at);
  return end >= 0 && at - end < lineCharsMax ? end : at;
}

function lineStart(text: string, at: number): number {
  const start = text.indexOf("\n", at);
  return start >= 0 && start - at < lineCharsMax ? start + 1 : at;
}
