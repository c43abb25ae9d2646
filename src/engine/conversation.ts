import { Bug } from "../core/assert.ts";
import type { Loop } from "../core/loop.ts";
import {
  type ChatContent,
  type ChatMessage,
  LlmError,
  type LlmReply,
  type Model,
} from "../ports/llm.ts";
import { type CommandResult, StoreBroken } from "../ports.ts";
import { openBench, type Tool, type ToolBench, type ToolOutcome } from "../tools/tool.ts";
import { callTool, toolset } from "../tools/toolset.ts";
import { auditedFetch, auditedFiles, auditedSandbox } from "./audited.ts";
import { checkedClaim, confinedFiles, reachOf } from "./documents.ts";
import { type Attempt, AttemptEnd, endIfDraining, outputBytesMax } from "./engine.ts";
import type { Mailbox } from "./mailbox.ts";
import { callModel } from "./model-call.ts";
import { withToolServers } from "./tool-servers.ts";

export interface Opening {
  readonly system: string;
  readonly prompt: string;
  readonly mailbox: Mailbox;
}

/** What one conversation is made of. It grows turn by turn, and is forgotten with its iteration. */
interface Talk {
  readonly doing: Attempt;
  readonly loop: Loop;
  readonly model: Model;
  readonly system: string;
  readonly messages: ChatMessage[];
  readonly mailbox: Mailbox;
  readonly bench: ToolBench;
  /** Those of servers, which live as long as the conversation. */
  readonly lent: readonly Tool[];
}

/**
 * Turns until the model stops, claims completion, or a guard fires. Nothing of it is remembered
 * but files: the verdict reads those.
 */
export async function converse(
  doing: Attempt,
  loop: Loop,
  model: Model,
  opening: Opening,
): Promise<void> {
  const { world } = doing.engine;
  const { id } = doing;
  const iteration = loop.iteration + 1;
  const { system, prompt: text } = opening;
  const at = world.clock.now();
  const typeVersion = doing.type.version;
  world.transcripts.write(id, iteration, { type: "prompt", system, text, typeVersion, at });
  const talk = startTalk(doing, loop, model, opening);
  await withDeadline(talk, (signal) =>
    withToolServers(doing, loop, signal, (lent) => takeTurns({ ...talk, lent }, signal)),
  );
}

async function takeTurns(talk: Talk, signal: AbortSignal): Promise<void> {
  const { doing, loop, model } = talk;
  const iteration = loop.iteration + 1;
  for (let turn = 1; turn <= loop.settings.turnsMax; turn += 1) {
    endIfDraining(doing);
    doing.course.at = `iteration ${iteration}, turn ${turn}`;
    doing.engine.world.watch({ type: "turn", loop: loop.id, iteration, turn, model: model.name });
    if (await takeTurn(talk, turn, signal)) return;
  }
  note(doing, loop, `stopped after ${loop.settings.turnsMax} turns`);
}

const timeUp = "the iteration's time is up";

/** The iteration's own time-out ends the talk but not the iteration: its files are judged as they are. */
async function withDeadline(
  { doing, loop, messages }: Omit<Talk, "lent">,
  body: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock } = doing.engine.world;
  const { iterationTimeoutMs } = loop.settings;
  const over = new AbortController();
  const timer = new AbortController();
  const signal = AbortSignal.any([doing.signal, over.signal]);
  const alarm = clock
    .sleepUntil(clock.now() + iterationTimeoutMs, timer.signal)
    .then(() => over.abort(timeUp));
  try {
    await body(signal);
  } catch (error) {
    const isOurs = over.signal.aborted && !doing.signal.aborted;
    // Who has only waited for the first reply has not begun: it is no iteration.
    const isBegun = messages.length > 1;
    if (!isOurs || (isGrave(error) && !(isBegun && isTimeUp(error)))) throw error;
    note(doing, loop, `stopped after ${Math.round(iterationTimeoutMs / 1_000)} s`);
  } finally {
    timer.abort();
    await alarm;
  }
}

/** It came in a wait for the model, and nothing else did. */
function isTimeUp(error: unknown): boolean {
  if (!(error instanceof AttemptEnd)) return false;
  return error.outcome.type === "interrupted" && error.outcome.reason === timeUp;
}

/** No time-out excuses these. */
function isGrave(error: unknown): boolean {
  return error instanceof AttemptEnd || error instanceof Bug || error instanceof StoreBroken;
}

function startTalk(doing: Attempt, loop: Loop, model: Model, opening: Opening): Omit<Talk, "lent"> {
  const { system, prompt, mailbox } = opening;
  const messages: ChatMessage[] = [{ role: "user", content: [{ type: "text", text: prompt }] }];
  return { doing, loop, model, system, messages, mailbox, bench: benchOf(doing, loop) };
}

/** One model call and the tools it asks for. True when the conversation is over. */
async function takeTurn(talk: Talk, turn: number, signal: AbortSignal): Promise<boolean> {
  const { doing, loop, model, system, messages, mailbox, lent } = talk;
  await readMail(talk);
  const request = { system, messages, tools: toolset(mailbox.tools(), lent) };
  const reply = await callModel(doing.engine, { loop, turn, model, request }, signal);
  mailbox.seen();
  record(talk, turn, reply);
  if (reply.content.length > 0) messages.push({ role: "assistant", content: reply.content });
  const calls = reply.content.filter((part) => part.type === "toolCall");
  if (calls.length === 0) return answerWithoutTools(talk, reply);
  const results: ChatContent[] = [];
  let isDone = false;
  for (const call of calls) {
    const outcome = await useTool(talk, call, signal);
    results.push({ type: "toolResult", id: call.id, text: outcome.text, isError: outcome.isError });
    isDone ||= outcome.effect?.type === "complete";
  }
  messages.push({ role: "user", content: results });
  return isDone;
}

/** What came meanwhile goes with what is said to the model anyway. */
async function readMail({ doing, loop, messages, mailbox }: Talk): Promise<void> {
  const text = await mailbox.takeText();
  const last = messages.pop();
  if (last === undefined) throw new Bug("a conversation begins with its prompt");
  if (text !== "") {
    const { world } = doing.engine;
    const iteration = loop.iteration + 1;
    world.transcripts.write(loop.id, iteration, { type: "note", text, at: world.clock.now() });
    world.watch({ type: "note", loop: loop.id, iteration, text: "a message came" });
  }
  const more: ChatContent[] = text === "" ? [] : [{ type: "text", text }];
  messages.push({ ...last, content: [...last.content, ...more] });
}

/** A reply cut by its length is not the end of anything; any other without tools is. */
function answerWithoutTools({ messages, doing, loop }: Talk, reply: LlmReply): boolean {
  if (reply.stopReason !== "maxTokens" || reply.content.length === 0) {
    if (reply.stopReason === "refusal") note(doing, loop, "the model refused to go on");
    return true;
  }
  const text = "Your reply was cut off at its maximum length. Go on, in smaller steps.";
  messages.push({ role: "user", content: [{ type: "text", text }] });
  return false;
}

type ToolCall = Extract<ChatContent, { type: "toolCall" }>;

async function useTool(talk: Talk, call: ToolCall, signal: AbortSignal): Promise<ToolOutcome> {
  const { doing, loop, mailbox, bench, lent } = talk;
  const { world } = doing.engine;
  const { id, name, input } = call;
  const iteration = loop.iteration + 1;
  const startedAt = world.clock.now();
  await world.audit.record({ type: "tool", loop: loop.id, iteration, name, input });
  world.transcripts.write(loop.id, iteration, { type: "toolCall", id, name, input, at: startedAt });
  world.watch({ type: "tool", loop: loop.id, iteration, name, summary: summaryOf(input) });
  const called = await callTool(toolset(mailbox.tools(), lent), { name, input }, bench, signal);
  const claimed = called.effect?.type === "complete" ? await checkedClaim(doing, called) : called;
  const outcome = await mailbox.carryOut(claimed, signal);
  if (signal.aborted) throw new LlmError("aborted", `aborted during ${name}`);
  const { text, isError } = outcome;
  const at = world.clock.now();
  const durationMs = at - startedAt;
  const result = { type: "toolResult", id, text, isError, durationMs, at } as const;
  world.transcripts.write(loop.id, iteration, result);
  world.watch({ type: "toolDone", loop: loop.id, iteration, name, isError, durationMs });
  if (outcome.effect?.type === "ask") {
    const reason = world.redact(outcome.effect.question);
    throw new AttemptEnd({ type: "blocked", on: "question", reason, asked: [] });
  }
  return outcome;
}

function benchOf(doing: Attempt, loop: Loop): ToolBench {
  const { workspace, engine } = doing;
  const { world } = engine;
  const { dir, env } = workspace;
  const { writable, readable } = reachOf(doing);
  const { audit } = world;
  const { sandbox } = loop.settings;
  const files = confinedFiles(doing, world.fileSystem.files(dir, readable));
  return openBench({
    files: auditedFiles(files, audit, loop.id),
    run: (command: string, timeoutMs: number, signal: AbortSignal): Promise<CommandResult> =>
      auditedSandbox(world.sandbox, audit, "tool").run(
        {
          loop: loop.id,
          command,
          cwd: dir,
          writable,
          readable,
          settings: sandbox,
          env,
          unixSockets: false,
          timeoutMs,
          outputBytesMax,
        },
        signal,
      ),
    fetch: auditedFetch(world.fetcher, audit, loop),
    redact: world.redact,
  });
}

function record(talk: Talk, turn: number, { content, stopReason, usage }: LlmReply): void {
  const { world } = talk.doing.engine;
  const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
  const at = world.clock.now();
  const entry = { type: "reply", turn, text, stopReason, usage, at } as const;
  world.transcripts.write(talk.loop.id, talk.loop.iteration + 1, entry);
}

function note({ engine }: Attempt, loop: Loop, text: string): void {
  const { world } = engine;
  const iteration = loop.iteration + 1;
  world.transcripts.write(loop.id, iteration, { type: "note", text, at: world.clock.now() });
  world.watch({ type: "note", loop: loop.id, iteration, text });
}

const summaryCharsMax = 80;

/** What a person wants to see of a call in one line: its path, command or pattern. */
export function summaryOf(input: unknown): string {
  if (typeof input !== "object" || input === null) return "";
  const [first] = Object.values(input);
  return typeof first === "string" ? first.slice(0, summaryCharsMax) : "";
}
