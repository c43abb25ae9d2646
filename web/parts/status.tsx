import { glyphOf } from "../words.ts";

/** Glyph, word and colour of a status. */
export function Status({ of }: { readonly of: string }) {
  return (
    <span className={`status ${of}`}>
      <span aria-hidden="true">{glyphOf(of)}</span> {of}
    </span>
  );
}
