/** What people may ask about a plan, or any level of it. */
export type Amendment =
  | { readonly type: "approve" }
  | { readonly type: "reject"; readonly feedback: string }
  | { readonly type: "drop" }
  /** Complete work goes to the branch that it is for, or gets a pull request to it. */
  | { readonly type: "merge"; readonly as?: "pr" | undefined }
  /** A person's version of a draft's files, whole; or of a loop's task, as the only file. */
  | { readonly type: "edit"; readonly files: readonly DraftFile[] }
  /** One more child: a document, or a text that becomes one. `name` as a file's, without `.md`. */
  | { readonly type: "add"; readonly name: string | null; readonly text: string };

export interface DraftFile {
  /** Relative to the output directory; "" for a loop's task. */
  readonly path: string;
  readonly text: string;
}

/** What a document loop has written, and what would come of it. */
export interface DraftView {
  readonly id: string;
  readonly status: string;
  /** What the loop itself is to do. */
  readonly task: string;
  readonly documents: readonly DocumentView[];
  readonly estimate: EstimateView;
}

interface DocumentView extends DraftFile {
  readonly name: string;
  readonly title: string;
  /** The type of loop that carries it out; null for what is only read. */
  readonly becomes: string | null;
  readonly dependsOn: readonly string[];
  readonly touches: readonly string[];
  readonly validate: string | null;
  readonly allowGateChange: readonly string[];
}

/** From loops that are complete already; null is unknown. */
interface EstimateView {
  readonly loops: number | null;
  readonly costUsd: number | null;
}
