// One pass over all of it: nothing is left that could join to a new sequence.
const hostile = new RegExp(
  [
    String.raw`\u001b\][^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?`, // OSC: titles, links
    String.raw`\u009d[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?`,
    String.raw`(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u009c\n]*(?:\u001b\\|\u009c)?`,
    String.raw`(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?`, // CSI: colours, the cursor
    String.raw`\u001b[ -/]*[0-~]?`,
    String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f]`,
    String.raw`[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]`, // marks that turn the reading order
  ].join("|"),
  "g",
);

/** What a model or a command said, without what would act on a screen; lines and tabs stay. */
export function plain(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(hostile, "");
}
