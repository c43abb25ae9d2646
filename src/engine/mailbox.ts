import type { Decision } from "../core/decide.ts";
import { fence } from "../core/fence.ts";
import type { LoopId } from "../core/loop.ts";
import { mailAtTurn } from "../core/mail-text.ts";
import {
  isUnread,
  type Letter,
  type LoopMailCommand,
  type Message,
  type MessageId,
  waitingFor,
} from "../core/message.ts";
import { hasCompany } from "../core/reach.ts";
import { loopOf } from "../core/state.ts";
import { isWaitedFor } from "../core/wait-graph.ts";
import { done, type ToolEffect, type ToolOutcome } from "../tools/tool.ts";
import type { Attempt } from "./engine.ts";

/** Of one conversation: a model that talks all the time does not work. */
const sendsMax = 50;

/** Time is up by a decision; so long after it nobody waits for that any more. */
const lateMs = 10_000;

const social: readonly string[] = ["alert", "query", "share", "stop_loop"];

type Effect = Exclude<ToolEffect, { type: "complete" | "ask" }>;

/**
 * One conversation's way to others. What it takes is durable before the model sees it; what the
 * model never saw is handed back.
 */
export class Mailbox {
  readonly #doing: Attempt;
  readonly #offered = new Set<string>();
  #unseen: MessageId[] = [];
  #sends = 0;

  constructor(doing: Attempt) {
    this.#doing = doing;
  }

  /** What waits for the loop, oldest first. */
  async take(): Promise<readonly Message[]> {
    const { id } = this.#doing;
    const { state } = this.#doing.engine.states;
    const messages = waitingFor(state, id);
    return messages.length === 0 ? [] : this.#receive(messages);
  }

  /** The same as text for the middle of a conversation; empty when there is none. */
  async takeText(): Promise<string> {
    return mailAtTurn(await this.take());
  }

  /** The model has replied to a request that had all of it. */
  seen(): void {
    this.#unseen = [];
  }

  async handBack(): Promise<void> {
    const messages = this.#unseen;
    if (messages.length === 0) return;
    await this.#submit({ type: "handBack", messages });
    this.#unseen = [];
  }

  /** Of the loop type's tools those that are of use now. Once offered they stay. */
  tools(): readonly string[] {
    const { id, engine, type } = this.#doing;
    const { state } = engine.states;
    if (hasCompany(state, loopOf(state, id))) for (const name of social) this.#offered.add(name);
    const isOffered = (name: string) =>
      this.#offered.has(name) || (name !== "reply" && !social.includes(name));
    return type.tools.filter(isOffered);
  }

  /** Does what a tool wanted done among loops, and says what came of it. */
  async carryOut(outcome: ToolOutcome, signal: AbortSignal): Promise<ToolOutcome> {
    const { effect } = outcome;
    if (effect === null || effect.type === "complete" || effect.type === "ask") return outcome;
    this.#sends += 1;
    if (this.#sends > sendsMax) {
      return failed(`you have sent ${sendsMax} messages in this iteration: go on with your work`);
    }
    return this.#post(effect, signal);
  }

  async #post(effect: Effect, signal: AbortSignal): Promise<ToolOutcome> {
    if (effect.type === "reply") {
      const query = effect.queryId as MessageId;
      const answer = this.#clean(effect.answer);
      const answered = await this.#submit({ type: "reply", query, answer });
      return answered.ok ? done("the answer is on its way") : failed(answered.reason);
    }
    const decision = await this.#submit({ type: "send", letter: this.#letterOf(effect) });
    if (!decision.ok) return failed(decision.reason);
    const dead = decision.events.find(({ type }) => type === "message.dead");
    if (dead?.type === "message.dead") return failed(undelivered(effect, dead.data.reason));
    const sent = decision.events.flatMap((event) => (event.type === "message.sent" ? [event] : []));
    if (effect.type === "alert") return done(`told ${sent.map(({ loop }) => loop).join(", ")}`);
    if (effect.type === "share") return done(`it is on its way to ${effect.to}`);
    if (effect.type === "stop") return done(`${effect.to} is stopped`);
    const [query] = sent;
    return query === undefined ? failed("nothing was sent") : this.#await(query.data.id, signal);
  }

  /** What comes of a question. A slot is held meanwhile: nobody waits for who is not at work. */
  async #await(id: MessageId, signal: AbortSignal): Promise<ToolOutcome> {
    const { states } = this.#doing.engine;
    await this.#standStill(id, signal);
    const { state } = states;
    const answer = [...state.mail.values()].find(({ about }) => about?.query === id);
    if (answer !== undefined) return this.#answer(answer);
    const query = state.mail.get(id);
    if (query === undefined) return failed("there was no answer");
    if (!isUnread(query)) return failed(`${query.to} did not answer: ${query.reason}`);
    const target = loopOf(state, query.to);
    return done(
      `${target.id} is ${target.status} and does not answer now. Your question ${id} stays in its mailbox; an answer comes to you as a message. Go on with what you can do without it.`,
    );
  }

  /** Until the question is settled, who is asked is at work no more, or somebody wants us to end. */
  async #standStill(id: MessageId, signal: AbortSignal): Promise<void> {
    const { states, drain, world } = this.#doing.engine;
    const moved = Promise.withResolvers<void>();
    const look = () => {
      const query = states.state.mail.get(id);
      if (query === undefined || !isWaitedFor(states.state, query)) moved.resolve();
    };
    const over = new AbortController();
    const leave = states.subscribe(look);
    look();
    const lateAt = (states.state.mail.get(id)?.expiresAt ?? 0) + lateMs;
    const until = AbortSignal.any([signal, drain, over.signal]);
    await Promise.race([moved.promise, world.clock.sleepUntil(lateAt, until)]);
    leave();
    over.abort();
  }

  async #answer(answer: Message): Promise<ToolOutcome> {
    const [taken] = await this.#receive([answer]);
    if (taken === undefined) return failed("the answer is lost: ask again");
    return done(`${taken.from} answers:\n${fence(taken.body, "messages")}`);
  }

  async #receive(messages: readonly Message[]): Promise<readonly Message[]> {
    const decision = await this.#submit({
      type: "receive",
      messages: messages.map(({ id }) => id),
    });
    if (!decision.ok) return [];
    const taken = new Set(
      decision.events.flatMap((event) =>
        event.type === "message.delivered" ? [event.data.id] : [],
      ),
    );
    this.#unseen.push(...taken);
    const mine = messages.filter(({ id }) => taken.has(id));
    if (mine.some(({ kind }) => kind === "query")) this.#offered.add("reply");
    return mine;
  }

  #letterOf(effect: Exclude<Effect, { type: "reply" }>): Letter {
    switch (effect.type) {
      case "alert":
        return { kind: "alert", topic: this.#clean(effect.topic), body: this.#clean(effect.body) };
      case "query": {
        const { timeoutMs, question } = effect;
        return { kind: "query", to: effect.to as LoopId, body: this.#clean(question), timeoutMs };
      }
      case "share":
        return { kind: "share", to: effect.to as LoopId, body: this.#clean(effect.body) };
      default:
        return { kind: "stop", to: effect.to as LoopId, body: this.#clean(effect.reason) };
    }
  }

  #clean(text: string): string {
    return this.#doing.engine.world.redact(text.toWellFormed());
  }

  #submit(command: LoopMailCommand): Promise<Decision> {
    const { id, attempt, engine } = this.#doing;
    return engine.states.submit({ ...command, id, attempt });
  }
}

function undelivered(effect: Effect, reason: string): string {
  if (effect.type !== "query") return `it was not delivered: ${reason}`;
  return `the question was not delivered: ${reason}. Go on without the answer; questions to you come as messages, and reply answers them.`;
}

function failed(text: string): ToolOutcome {
  return { text, isError: true, effect: null };
}
