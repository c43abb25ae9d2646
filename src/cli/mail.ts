import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { messageWaitMsMax, type SendRequest } from "../protocol/mail.ts";
import type { MessageView } from "../views/message-view.ts";
import type { QuestionView } from "../views/questions.ts";
import { age } from "./numbers.ts";
import { openDaemon } from "./reach.ts";
import { openReader, type Session } from "./session.ts";
import { type Column, table } from "./table.ts";
import { oneLine, strip } from "./text.ts";

/** `td questions` */
export async function questions(session: Session): Promise<number> {
  const asked = await (await openReader(session)).questions();
  if (session.json) session.printJson(asked);
  else if (asked.length > 0) {
    session.print(table(questionColumns(Date.now()), asked, session.look));
    session.say(`td answer ${asked[0]?.id} "…" answers the first; td show ID says more`);
  } else session.say("nobody waits for your answer");
  return exitCodes.done;
}

function questionColumns(now: number): readonly Column<QuestionView>[] {
  return [
    { head: "ID", cell: ({ id }) => oneLine(id) },
    { head: "ABOUT", cell: ({ about }) => oneLine(about), rank: 1 },
    { head: "HOLDS UP", align: "right", cell: ({ holdsUp }) => String(holdsUp), rank: 2 },
    {
      head: "AGE",
      align: "right",
      cell: ({ askedAt }) => age(Date.parse(askedAt), now),
      rank: 3,
    },
    { head: "QUESTION", cell: ({ question }) => oneLine(question), columnsMin: 20 },
  ];
}

interface Alert {
  readonly topic: string;
  readonly body: string;
  readonly plan: string | null;
}

/** `td send alert` */
export async function alert(session: Session, { topic, body, plan }: Alert): Promise<number> {
  const { dir } = session.place;
  const request = { kind: "alert", topic, body, dir, plan } as const;
  const [any] = await (await openReader(session)).loops({ status: null, type: null, plan });
  if (any === undefined) {
    const message =
      plan === null
        ? "there is no loop to alert: td run or td new-plan starts one"
        : `there is no plan ${plan}: td list shows what there is`;
    throw new UserError(exitCodes.notFound, message);
  }
  const sent = await (await openDaemon(session, any.id)).send(request);
  if (session.json) session.printJson(sent);
  else session.print(`on its way to ${sent.map(({ to }) => oneLine(to)).join(", ")}`);
  return exitCodes.done;
}

/** `td send share`, `td send stop` */
export async function deliver(
  session: Session,
  request: Extract<SendRequest, { kind: "share" | "stop" }>,
): Promise<number> {
  const message = await sendOne(await openDaemon(session, request.to), request);
  if (session.json) session.printJson(message);
  if (message.status === "dead") return undelivered(session, message);
  const done = request.kind === "stop" ? "is stopped" : "will read it at its next turn";
  if (!session.json) session.print(`${oneLine(message.to)} ${done}`);
  return exitCodes.done;
}

interface Query {
  readonly id: string;
  readonly question: string;
  readonly timeout: number;
}

/** `td send query`: the answer is the result. */
export async function query(session: Session, { id, question, timeout }: Query): Promise<number> {
  const timeoutMs = timeout * 1_000;
  const door = await openDaemon(session, id);
  const sent = await sendOne(door, { kind: "query", to: id, body: question, timeoutMs });
  session.say(`${sent.id} is on its way to ${oneLine(sent.to)}; waiting for the answer …`);
  const message = await answered(door, sent, timeoutMs, session.gone);
  if (session.json) session.printJson(message);
  if (message.status !== "answered") return undelivered(session, message);
  if (!session.json) session.print(strip(message.answer ?? ""));
  return exitCodes.done;
}

async function answered(
  door: Door,
  sent: MessageView,
  timeoutMs: number,
  gone: AbortSignal,
): Promise<MessageView> {
  let message = sent;
  // The daemon ends the wait in time; one more request than that is enough.
  const asksMax = Math.ceil(timeoutMs / messageWaitMsMax) + 1;
  for (let asks = 0; asks < asksMax && isOpen(message) && !gone.aborted; asks += 1) {
    message = await door.message(sent.id, messageWaitMsMax);
  }
  return message;
}

function isOpen({ status }: MessageView): boolean {
  return status === "waiting" || status === "delivered";
}

async function sendOne(door: Door, request: SendRequest): Promise<MessageView> {
  const [message] = await door.send(request);
  if (message === undefined) throw new Error("nothing was sent");
  return message;
}

function undelivered(session: Session, { id, reason }: MessageView): number {
  session.world.stderr.write(
    `td: ${id} is a dead letter: ${oneLine(reason ?? "no answer in time")}\n(td dead-letters requeue ${id} tries again)\n`,
  );
  return exitCodes.failed;
}

/** `td dead-letters` */
export async function deadLetters(session: Session): Promise<number> {
  const letters = await (await openReader(session)).deadLetters();
  if (session.json) session.printJson(letters);
  else if (letters.length > 0) session.print(table(letterColumns, letters, session.look));
  else session.say("there are no dead letters");
  return exitCodes.done;
}

const letterColumns: readonly Column<MessageView>[] = [
  { head: "ID", cell: ({ id }) => oneLine(id) },
  { head: "KIND", cell: ({ kind }) => oneLine(kind) },
  { head: "FROM", cell: ({ from }) => oneLine(from), rank: 1 },
  { head: "TO", cell: ({ to }) => oneLine(to) },
  { head: "REASON", cell: ({ reason }) => oneLine(reason ?? ""), rank: 2 },
  { head: "MESSAGE", cell: ({ topic, body }) => oneLine(`${topic ?? ""} ${body}`), columnsMin: 20 },
];

/** `td dead-letters requeue` */
export async function requeue(session: Session, id: string): Promise<number> {
  const message = await (await openDead(session, id)).requeue(id);
  if (session.json) session.printJson(message);
  else session.print(`${oneLine(id)} is on its way to ${oneLine(message.to)} again`);
  return exitCodes.done;
}

/** `td dead-letters drop` */
export async function drop(session: Session, id: string): Promise<number> {
  await (await openDead(session, id)).drop(id);
  if (session.json) session.printJson({ dropped: id });
  else session.print(`${oneLine(id)} is dropped`);
  return exitCodes.done;
}

/** Where a dead letter is kept, which must be there. */
async function openDead(session: Session, id: string): Promise<Door> {
  const letters = await (await openReader(session)).deadLetters();
  const letter = letters.find((each) => each.id === id);
  if (letter !== undefined) return openDaemon(session, letter.to);
  const message = `there is no dead letter ${id}: td dead-letters lists them`;
  throw new UserError(exitCodes.notFound, message);
}
