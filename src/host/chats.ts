import { resolveCommit, resolveRepository } from "../adapters/git/repository.ts";
import { FileConversations } from "../adapters/store/conversations.ts";
import { assert } from "../core/assert.ts";
import { addUsage, noUsage } from "../core/loop.ts";
import { isSecretPath } from "../core/secret-files.ts";
import { answerPerson } from "../engine/chat.ts";
import { planBrief, titleOf } from "../engine/chat-prompt.ts";
import type { ChatEntry, ChatLive, Conversation, Conversations } from "../ports/chat.ts";
import type { Answering, ChatDesk, ChatRequest } from "../protocol/chat.ts";
import type { RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { chatHeadView, chatView } from "./chat-pages.ts";
import { systemClock } from "./clock.ts";
import type { Host } from "./host.ts";
import { requireGit } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

/** Answers under way at once. */
const answersMax = 8;

export interface ChatsOptions {
  readonly around: Surroundings;
  readonly home: string;
  readonly host: Host;
  readonly drain: AbortSignal;
  readonly create: (request: RunRequest) => Promise<LoopView>;
}

/** People's talks with models, for all repositories of a home. */
export class Chats implements ChatDesk {
  readonly #options: ChatsOptions;
  readonly #files: FileConversations;
  /** By conversation: one answer at a time. */
  readonly #answers = new Map<string, Promise<void>>();
  readonly #end = new AbortController();
  #begun = 0;
  /** Beginning one names it and keeps it: one after the other. */
  #beginning: Promise<unknown> = Promise.resolve();

  constructor(options: ChatsOptions) {
    this.#options = options;
    this.#files = new FileConversations(options.home);
  }

  async chats(dir: string) {
    const { root } = await this.#repository(dir);
    return (await this.#files.for((text) => text).list(root)).map(chatHeadView);
  }

  async conversation(id: string) {
    return chatView(await this.#find(id));
  }

  async planOfChat(id: string, words: string): Promise<LoopView> {
    const conversation = await this.#find(id);
    return this.#options.create({
      type: "plan",
      task: planBrief(conversation, words.trim()),
      dir: conversation.repo,
      priority: "normal",
      after: [],
      ...{ validate: null, iterationsMax: null, model: null, budgetUsd: null },
      ...{ base: null, deliver: null },
    });
  }

  async chat(request: ChatRequest): Promise<Answering> {
    const { host, drain } = this.#options;
    if (drain.aborted) {
      throw new UserError(exitCodes.rejected, "the daemon is stopping: try again once it is back");
    }
    const begun = request.chat === null ? null : await this.#find(request.chat);
    const { root: repo } = await this.#repository(begun?.repo ?? request.dir);
    const repository = await host.world(repo);
    const { world } = repository;
    const name = request.model ?? begun?.model ?? repository.config.config.llm.default;
    // Throws with the remedy where there is no such model, or no key.
    const model = world.models.resolve(name);
    const files = await this.#lookInto(repo);
    const engine = await host.engine(repo, drain);
    const conversations = this.#files.for(world.redact);
    // A key that somebody pasted goes to no model and into no log.
    const text = world.redact(request.text);
    return (hear, signal) =>
      this.#one(begun?.id ?? null, async (own, named) => {
        // The answer before this one may have ended just now.
        const before = begun === null ? null : await this.#find(begun.id);
        const asked = await this.#ask(conversations, {
          begun: before,
          repo,
          model: name,
          text,
        });
        const { id: chat } = asked;
        named(chat);
        hear({ type: "began", chat, model: name });
        const number = asked.asked;
        const entries = asked.entries.slice(0, -1);
        const question = { chat, number, repo, model, files, entries, text };
        const either = AbortSignal.any([signal, own]);
        const { lacks, ...answer } = await answerPerson(engine, question, hear, either);
        const entry: ChatEntry = { from: "model", model: name, ...answer, at: systemClock.now() };
        await conversations.save({
          ...asked,
          updatedAt: entry.at,
          usage: addUsage(asked.usage, answer.usage),
          entries: [...asked.entries, entry],
        });
        const { ended, reason, usage } = answer;
        const more = lacks === undefined ? {} : { lacks };
        hear({ type: "ended", ended, reason, usage, ...more } satisfies ChatLive);
      });
  }

  /** Stops what is under way, and waits for its end. */
  async close(): Promise<void> {
    this.#end.abort("the daemon stops");
    await Promise.allSettled(this.#answers.values());
  }

  async #one(
    chat: string | null,
    answer: (signal: AbortSignal, named: (chat: string) => void) => Promise<void>,
  ): Promise<void> {
    if (this.#answers.size >= answersMax) {
      const message = `${answersMax} answers are under way, as many as there may be: try again`;
      throw new UserError(exitCodes.rejected, message);
    }
    this.#begun += 1;
    let key = chat ?? `new conversation ${this.#begun}`;
    const last = this.#answers.get(key);
    // Who stops an answer asks on before it has quite ended.
    if (last !== undefined) await endOrTime(last);
    if (this.#answers.has(key)) {
      throw new UserError(exitCodes.rejected, `${key} is being answered: wait, or stop that first`);
    }
    const over = Promise.withResolvers<void>();
    this.#answers.set(key, over.promise);
    // From now on it can be gone on with, by that name.
    const named = (id: string) => {
      this.#answers.delete(key);
      key = id;
      this.#answers.set(key, over.promise);
    };
    try {
      await this.#options.host.orEnd(answer(this.#end.signal, named));
    } finally {
      this.#answers.delete(key);
      over.resolve();
    }
  }

  /** Kept before the model is asked: what a person wrote survives whatever comes. */
  async #ask(conversations: Conversations, { begun, repo, model, text }: Asked) {
    const at = systemClock.now();
    const entry: ChatEntry = { from: "person", text, at };
    const save = async (): Promise<Conversation> => {
      const before = begun ?? {
        ...{ id: await conversations.newId(), repo, title: titleOf(text), createdAt: at },
        ...{ asked: 0, usage: noUsage, entries: [] },
      };
      const { id: chat, asked } = before;
      const detail = { chat, repo, model, text };
      await this.#options.host.chronicle.said(detail);
      const entries = [...before.entries, entry];
      const now = { model, updatedAt: at, asked: asked + 1, entries };
      return conversations.save({ ...before, ...now });
    };
    const saving = this.#beginning.then(save, save);
    this.#beginning = saving.catch(() => undefined);
    const saved = await saving;
    assert(saved.entries.at(-1)?.from === "person", "the newest entry is kept");
    return saved;
  }

  /** The checkout as it is now, of what its commit names; secrets by name are left out. */
  async #lookInto(repo: string) {
    const { host } = this.#options;
    const { worktrees, checkout } = await host.world(repo);
    const commit = await resolveCommit(await this.#repository(repo), "HEAD");
    const paths = await worktrees.paths(repo, commit);
    return checkout(paths.filter((path) => !isSecretPath(path)));
  }

  async #repository(dir: string) {
    await requireGit();
    return resolveRepository(dir, this.#options.around.euid === 0 ? 0 : null);
  }

  async #find(id: string): Promise<Conversation> {
    const found = await this.#files.read(id);
    if (found !== null) return found;
    const hint = "/history in td tui lists those there are";
    throw new UserError(exitCodes.notFound, `there is no conversation ${id} (${hint})`);
  }
}

const endMsMax = 3_000;

async function endOrTime(answer: Promise<void>): Promise<void> {
  const ended = new AbortController();
  const time = systemClock.sleepUntil(systemClock.now() + endMsMax, ended.signal);
  await Promise.race([Promise.allSettled([answer]), time]);
  ended.abort();
}

interface Asked {
  readonly begun: Conversation | null;
  readonly repo: string;
  readonly model: string;
  readonly text: string;
}
