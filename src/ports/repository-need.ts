/** What a template wants to know of the repository: of the loop's base, or what it changed since. */
export interface RepositoryNeed {
  readonly helper: "git-diff" | "list-files" | "read-file";
  /** A pattern or a path; empty for none. */
  readonly argument: string;
}
