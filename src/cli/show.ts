import { exitCodes } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { WhyView } from "../views/why.ts";
import { budgetText } from "./budget-text.ts";
import { documentsText } from "./draft.ts";
import { type Look, paint, statusColour, statusText } from "./look.ts";
import { short } from "./numbers.ts";
import { verdictText } from "./progress.ts";
import { askLive, type Session } from "./session.ts";
import { usageText } from "./summary.ts";
import { oneLine, pad } from "./text.ts";

/** `td show ID` */
export async function show(
  session: Session,
  id: string,
  { documents }: { readonly documents?: true | undefined } = {},
): Promise<number> {
  if (documents === true) {
    const draft = await askLive(session, (reader) => reader.draft(id));
    if (session.json) session.printJson(draft);
    else if (draft.documents.length === 0) session.print(`${oneLine(id)} has written no documents`);
    else session.print(documentsText(draft, session.look));
    return exitCodes.done;
  }
  const [view, reason] = await askLive(session, async (reader) => [
    await reader.loop(id),
    session.json ? null : await reader.why(id),
  ]);
  if (reason === null) session.printJson(view);
  else session.print(loopText(view, reason, session.look));
  return exitCodes.done;
}

/** `td why ID` */
export async function why(session: Session, id: string): Promise<number> {
  const view = await askLive(session, (reader) => reader.why(id));
  if (session.json) session.printJson(view);
  else session.print(whyText(view, session.look));
  return exitCodes.done;
}

export function whyText({ status, sentence, causes, remedy }: WhyView, look: Look): string {
  return [
    `${paint(look, statusColour(status), statusText(status))}  ${oneLine(sentence)}`,
    ...causes.map((cause) => `  because: ${oneLine(cause)}`),
    ...(remedy === null ? [] : [`  next: ${oneLine(remedy)}`]),
  ].join("\n");
}

const labelColumns = 10;

export function loopText(view: LoopView, { sentence, remedy }: WhyView, look: Look): string {
  const { verdict, baseline, delivered, headCommit } = view;
  const facts: readonly (readonly [string, string | null])[] = [
    ["title", view.title],
    ["status", null],
    ["why", sentence],
    ["next", remedy],
    ["type", view.type],
    ["parent", view.parent],
    ["priority", view.priority === "normal" ? null : view.priority],
    ["after", view.dependsOn.length === 0 ? null : view.dependsOn.join(", ")],
    ["iteration", `${view.iteration} of ${view.maxIterations}, attempt ${view.attempt}`],
    ["model", view.model],
    ["usage", usageText(view.usage)],
    ["budget", view.budget === undefined ? null : budgetText(view.budget)],
    ["repository", view.repo],
    ["base", short(view.baseCommit)],
    ["head", headCommit === null ? null : short(headCommit)],
    ["branch", view.branch],
    ["delivered", delivered === null ? null : `${delivered.to} (${short(delivered.commit)})`],
    ["pull req.", view.pullRequest],
    ["baseline", baseline === null ? null : verdictText(baseline)],
    ["verdict", verdict === null ? null : verdictText(verdict)],
    ["not before", view.notBefore],
    ["created", view.createdAt],
    ["updated", view.updatedAt],
  ];
  const lines = facts.flatMap(([label, value]) => {
    const name = paint(look, "dim", pad(label, labelColumns));
    if (label === "status") {
      const stage = view.stage === null ? "" : `, ${view.stage}`;
      return `  ${name}  ${paint(look, statusColour(view.status), statusText(view.status))}${stage}`;
    }
    return value === null ? [] : `  ${name}  ${oneLine(value)}`;
  });
  return [paint(look, "bold", `loop ${oneLine(view.id)}`), ...lines].join("\n");
}
