import { withTypes } from "../core/document-types.ts";
import {
  type CheckedDocuments,
  checkDocuments,
  documentsMax,
  type OutputFile,
  outputDirectory,
  problemsText,
} from "../core/documents.ts";
import type { CommitId, Loop, Verdict } from "../core/loop.ts";
import { loopOf } from "../core/state.ts";
import { fingerprint } from "../core/verdict/fingerprint.ts";
import type { DocumentWork } from "../ports/documents.ts";
import { type Files, type PromptValues, ToolRefusal, type Workspace } from "../ports.ts";
import type { ToolOutcome } from "../tools/tool.ts";
import { type Attempt, type Engine, hook, type Output, stage } from "./engine.ts";
import type { Judged } from "./verdict.ts";

/** The name of the built-in gate, where a command's would stand. */
const gateName = "documents";

/**
 * The output directory of a document loop. What the log has of its documents is the truth: the
 * worktree may be new, or a person may have edited them since.
 */
export async function openOutput(
  { world }: Engine,
  { documents }: Loop,
  workspace: Workspace,
  work: DocumentWork,
): Promise<Output> {
  const directory = await world.documents.open(workspace);
  const files = documents.filter(({ path }) => path !== "");
  if (files.length > 0) await directory.write(files);
  return { directory, work };
}

/** Reads and checks what is there by now; secrets stay out of it, as of everything that is kept. */
async function check(
  { engine, id }: Attempt,
  { directory, work }: Output,
): Promise<CheckedDocuments> {
  const { world, states } = engine;
  const { title, brief: text } = loopOf(states.state, id);
  const redacted = (file: OutputFile) =>
    file.text === null ? file : { ...file, text: world.redact(file.text) };
  const files = (await directory.read()).map(redacted);
  const { readFrontMatter } = world.documents;
  const { documents, problems } = checkDocuments(files, work, { title, text }, readFrontMatter);
  return { documents: withTypes(documents, world.loopTypes), problems };
}

/** The verdict of a document loop: its documents are whole, or the next iteration hears what is not. */
export async function giveDocumentsVerdict(
  doing: Attempt,
  output: Output,
  commit: CommitId,
): Promise<Judged> {
  const { engine, id, course } = doing;
  const loop = loopOf(engine.states.state, id);
  const iteration = loop.iteration + 1;
  const startedAt = engine.world.clock.now();
  course.at = `iteration ${iteration}, its validation`;
  stage(engine, loop, "validating", gateName);
  await hook(doing, "before-validation", {});
  const { documents, problems } = await check(doing, output);
  const passed = problems.length === 0;
  const feedback = passed ? wholeText(documents.length) : problemsText(problems, outputDirectory);
  const note = passed ? null : `${problems.length} problem(s) in its documents`;
  const durationMs = engine.world.clock.now() - startedAt;
  const exitCode = passed ? 0 : 1;
  const verdict: Verdict = {
    ...{ passed, exitCode, command: gateName, durationMs, commit, evidence: null, note },
  };
  record(doing, loop, verdict, feedback);
  await hook(doing, "after-validation", { PASSED: String(passed) });
  const texts = documents.map(({ path, text }) => `${path}\n${text}`).join("\n");
  const before = new Map(loop.documents.map(({ path, text }) => [path, text]));
  const changes = documents
    .filter(({ path, text }) => path !== "" && before.get(path) !== text)
    .map(({ path }) => ({ path, status: "modified", oldPath: null }) as const);
  const name = fingerprint(feedback, texts);
  return { verdict, feedback, fingerprint: name, gate: [], changes, documents };
}

function wholeText(count: number): string {
  return `The documents are whole (${count} of at most ${documentsMax}).`;
}

function record({ engine, id }: Attempt, loop: Loop, verdict: Verdict, output: string): void {
  const { world } = engine;
  const { passed, note, exitCode, durationMs, commit } = verdict;
  const iteration = loop.iteration + 1;
  world.transcripts.write(id, iteration, {
    type: "validation",
    command: gateName,
    where: "worktree",
    at: world.clock.now(),
    ...{ commit, exitCode, output, durationMs },
  });
  const detail = note ?? "whole documents";
  world.watch({ type: "verdict", loop: id, iteration, passed, detail });
}

/** A claim to be finished is answered at once where documents are not whole: the model goes on. */
export async function checkedClaim(doing: Attempt, claim: ToolOutcome): Promise<ToolOutcome> {
  if (doing.output === null) return claim;
  const { problems } = await check(doing, doing.output);
  if (problems.length === 0) return claim;
  const list = problemsText(problems, outputDirectory);
  const text = `Not finished: the documents have problems.\n\n${list}\n\nCorrect them, then call complete_task again.`;
  return { text, isError: true, effect: null };
}

/** What commands may write and read: of a document loop's worktree, its output directory alone. */
export function reachOf({ workspace, output }: Attempt): Pick<Workspace, "writable" | "readable"> {
  const { writable, readable } = workspace;
  if (output === null) return { writable, readable };
  return { writable: [output.directory.dir], readable: [...readable, ...writable] };
}

/** The same for the file tools. */
export function confinedFiles({ output }: Attempt, files: Files): Files {
  if (output === null) return files;
  return {
    relative: (path) => files.relative(path),
    read: (path) => files.read(path),
    list: (path, depth) => files.list(path, depth),
    glob: (pattern, path) => files.glob(pattern, path),
    grep: (query, signal) => files.grep(query, signal),
    write: async (path, text, version) => {
      const [first, ...rest] = files.relative(path).split("/");
      if (first === outputDirectory && !rest.includes("..")) {
        return files.write(path, text, version);
      }
      throw new ToolRefusal(
        `this loop writes documents only: ${path} is outside ${outputDirectory}/, and the code is changed later, by the loops that your documents describe`,
      );
    },
  };
}

/** What a prompt says of the pass at hand. */
export function passValues(
  output: Output | null,
  loop: Loop,
): Pick<PromptValues, "output-dir" | "pass" | "passes" | "focus"> {
  if (output === null) return { "output-dir": "", pass: 0, passes: 0, focus: "" };
  const { passes } = output.work;
  const isPastAll = loop.passes >= passes.length;
  const focus = isPastAll
    ? "what a person said of your documents: change them so that it holds"
    : (passes[loop.passes]?.focus ?? "");
  const pass = Math.min(loop.passes + 1, passes.length);
  return { "output-dir": outputDirectory, pass, passes: passes.length, focus };
}
