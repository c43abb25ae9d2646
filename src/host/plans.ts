import { readFrontMatter } from "../adapters/config/front-matter.ts";
import { withTypes } from "../core/document-types.ts";
import { checkDocument, checkDocuments, type Document, problemsText } from "../core/documents.ts";
import { rootIdOf } from "../core/ledger.ts";
import type { Loop } from "../core/loop.ts";
import type { DocumentWork } from "../ports/documents.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { Amendment, DraftFile } from "../protocol/plans.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { Host } from "./host.ts";
import { find } from "./reader.ts";

/** Carries out what a person asks about a plan; their documents meet the same checker as a model's. */
export async function amend(host: Host, name: string, amendment: Amendment): Promise<LoopView> {
  const loop = find(host.states.state, name);
  const { id } = loop;
  switch (amendment.type) {
    case "approve":
    case "drop":
      return host.ask({ type: amendment.type, id });
    case "merge":
      return merge(host, loop, amendment.as);
    case "reject":
      return host.ask({ type: "reject", id, feedback: amendment.feedback });
    case "add": {
      const { loopTypes } = await host.world(loop.repo);
      const added = newDocument(amendment, await workOf(host, loop));
      const [document = added] = withTypes([added], loopTypes);
      return host.ask({ type: "addChild", id, document });
    }
    case "edit":
      return edit(host, loop, amendment.files);
    default:
      return amendment satisfies never;
  }
}

/** `td merge`: into the queue of the branch that it is for, as it was configured then or is now. */
async function merge(
  host: Host,
  { id, parent, repo, settings }: Loop,
  as: "pr" | undefined,
): Promise<LoopView> {
  if (parent !== null) {
    const plan = rootIdOf({ id, parent });
    const message = `${id} is part of plan ${plan}, and merged with it: td merge ${plan}`;
    throw new UserError(exitCodes.usage, message);
  }
  const { config } = await host.world(repo);
  const target = settings.target ?? config.config.git.target;
  return host.ask({ type: "queueMerge", id, target, ...(as === undefined ? {} : { as }) });
}

async function edit(host: Host, loop: Loop, files: readonly DraftFile[]): Promise<LoopView> {
  const { id } = loop;
  const [first] = files;
  if (loop.status !== "draft" && first?.path === "") {
    const { title, text } = titled(first.text, loop.title);
    return host.ask({ type: "editBrief", id, title, brief: text });
  }
  const read = files
    .filter(({ path }) => path !== "")
    .map(({ path, text }) => ({ path, text, problem: null }));
  const task = { title: loop.title, text: loop.brief };
  const work = await workOf(host, loop);
  const { documents, problems } = checkDocuments(read, work, task, readFrontMatter);
  if (problems.length > 0) throw invalid(problemsText(problems, ""));
  const { loopTypes } = await host.world(loop.repo);
  return host.ask({ type: "edit", id, documents: withTypes(documents, loopTypes) });
}

async function workOf(host: Host, { repo, type, id }: Loop): Promise<DocumentWork> {
  const { loopTypes } = await host.world(repo);
  const begets = loopTypes.get(type)?.begets ?? null;
  if (begets !== null) return begets;
  throw new UserError(exitCodes.usage, `${id} is a ${type}: it has no documents of its own`);
}

const slugCharsMax = 40;

/** A text without front matter becomes a document with its first line as the title. */
function newDocument(
  { name, text }: Extract<Amendment, { type: "add" }>,
  { from, type }: DocumentWork,
): Document {
  const { title, text: whole } = titled(text, "");
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, slugCharsMax)
    .replace(/^-|-$/g, "");
  const path = `${from[0]}/${name ?? (slug || "added")}.md`;
  const file = { path, text: whole, problem: null };
  const { document, problems } = checkDocument(file, readFrontMatter);
  if (problems.length > 0) throw invalid(problemsText(problems, ""));
  return { ...document, becomes: type };
}

const titleCharsMax = 72;

function titled(
  text: string,
  otherwise: string,
): { readonly title: string; readonly text: string } {
  if (/^\uFEFF?---\r?\n/.test(text)) {
    const file = { path: "", text, problem: null };
    const { document, problems } = checkDocument(file, readFrontMatter);
    if (problems.length > 0) throw invalid(problemsText(problems, "document"));
    return { title: document.title, text: document.text };
  }
  const line = text.trim().split("\n", 1)[0] ?? "";
  const title = [...line].slice(0, titleCharsMax).join("") || otherwise;
  if (text.trim() === "") throw invalid("the document is empty: say what is to be done");
  return { title, text: `---\ntitle: ${JSON.stringify(title)}\n---\n\n${text}` };
}

function invalid(problems: string): UserError {
  return new UserError(exitCodes.invalid, problems);
}
