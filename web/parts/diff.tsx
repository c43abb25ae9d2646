import { memo, useMemo, useState } from "react";
import { type DiffFile, type DiffLine, filesOf } from "./diff-lines.ts";

/** Longer ones are folded: nobody reads them at a glance. */
const openLinesMax = 1_000;

/** Where a remark belongs. */
export interface Place {
  readonly file: string;
  readonly line: DiffLine;
}

type Comment = ((place: Place) => void) | null;

/** What changed, file by file. With `comment` each line can be remarked on. */
export function Diff({ text, comment }: { readonly text: string; readonly comment: Comment }) {
  const files = useMemo(() => filesOf(text), [text]);
  if (files.length === 0) return <p className="empty">No changes.</p>;
  return (
    <div className="diff">
      <p className="sums">
        <span>{files.length === 1 ? "1 file" : `${files.length} files`}</span>
        <span className="good">+{files.reduce((sum, { added }) => sum + added, 0)}</span>
        <span className="bad">−{files.reduce((sum, { removed }) => sum + removed, 0)}</span>
      </p>
      {files.map((file) => (
        <File key={file.name} file={file} comment={comment} />
      ))}
    </div>
  );
}

const File = memo(function File({
  file,
  comment,
}: {
  readonly file: DiffFile;
  readonly comment: Comment;
}) {
  const { name, added, removed, hunks } = file;
  const lines = hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
  const [isOpen, setOpen] = useState(lines <= openLinesMax);
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {name} <span className="good">+{added}</span> <span className="bad">−{removed}</span>
      </summary>
      {isOpen && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
        <section className="hunks" aria-label={`Changes of ${name}`} tabIndex={0}>
          {hunks.map((hunk) => (
            <Hunk key={hunk.head} file={name} hunk={hunk} comment={comment} />
          ))}
        </section>
      )}
    </details>
  );
});

const signs = { same: " ", added: "+", removed: "−", note: "\\" };

function Hunk({
  file,
  hunk,
  comment,
}: {
  readonly file: string;
  readonly hunk: DiffFile["hunks"][number];
  readonly comment: Comment;
}) {
  return (
    <>
      <div className="line hunk">{hunk.head}</div>
      {hunk.lines.map((line, index) => {
        const number = line.after ?? line.before;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a diff does not change
          <div key={index} className={`line ${line.kind}`}>
            {comment === null || number === null ? (
              <span className="at">{number}</span>
            ) : (
              <button
                type="button"
                className="at"
                aria-label={`Remark on line ${number}`}
                onClick={() => comment({ file, line })}
              >
                {number}
              </button>
            )}
            <span className="sign">{signs[line.kind]}</span>
            <code>{line.text}</code>
          </div>
        );
      })}
    </>
  );
}
