import type { Begets, OutputFile, ReadFrontMatter } from "../core/documents.ts";
import type { Workspace } from "../ports.ts";

/** One look at the documents, of many that refine them. */
interface Pass {
  readonly name: string;
  /** What this look is about, in a sentence or two for the model. */
  readonly focus: string;
}

/** What a loop type has besides when its loops write documents and their children do the work. */
export interface DocumentWork extends Begets {
  /** At least one; each is an iteration with a verdict of its own. */
  readonly passes: readonly Pass[];
  /** Whole documents wait for a person before anything comes of them. */
  readonly approval: boolean;
}

/** Where a document loop writes: `.td-out` in its worktree. No link in it is ever followed. */
export interface OutputDirectory {
  /** Absolute. */
  readonly dir: string;
  /** Every file with its problem or its text, sorted by path; bounded. */
  read(): Promise<readonly OutputFile[]>;
  /** These become its only files. */
  write(files: readonly { readonly path: string; readonly text: string }[]): Promise<void>;
}

export interface Documents {
  /** The output directory of a worktree; made, and given to whom commands run as. */
  open(workspace: Workspace): Promise<OutputDirectory>;
  readonly readFrontMatter: ReadFrontMatter;
}
