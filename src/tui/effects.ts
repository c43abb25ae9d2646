/** What the model asks for, carried out at the daemon; answers come back as messages. */
import { edit } from "../cli/edit.ts";
import { cost } from "../cli/numbers.ts";
import type { Session } from "../cli/session.ts";
import type { Door } from "../protocol/door.ts";
import { UserError } from "../protocol/errors.ts";
import { browse } from "./browser.ts";
import { ChatEffects } from "./chat-effects.ts";
import { exportRows } from "./export.ts";
import type { Effect, Message, Verb } from "./model.ts";
import { textOf } from "./texts.ts";

/** Who runs down a list wants the page of the row where it stops. */
const restMs = 60;
const eventsFirst = 1_000;

type Load = Extract<Effect, { readonly type: "load" }>;
type Carried = Exclude<Effect, { readonly type: "quit" | "redraw" | "suspend" | "copy" | "edit" }>;

export interface EffectsOptions {
  readonly door: Door;
  readonly session: Session;
  readonly tell: (message: Message) => void;
  /** A bug. */
  readonly fail: (error: unknown) => void;
}

export class Effects {
  readonly #door: Door;
  readonly #session: Session;
  readonly #tell: (message: Message) => void;
  readonly #fail: (error: unknown) => void;
  readonly #chat: ChatEffects;
  focus: (id: string | null) => void = () => undefined;
  #load: NodeJS.Timeout | null = null;
  #isLoading = false;
  #waiting: Load | null = null;
  #focus: NodeJS.Timeout | null = null;
  #focused: string | null = null;
  #isReadingEvents = false;
  #isClosed = false;

  constructor({ door, session, tell, fail }: EffectsOptions) {
    this.#door = door;
    this.#session = session;
    this.#fail = fail;
    this.#tell = (message) => {
      if (!this.#isClosed) tell(message);
    };
    this.#chat = new ChatEffects({
      door,
      tell: (news) => this.#tell({ type: "chat", news }),
      ask: (body) => this.#ask(body),
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#chat.close();
    if (this.#load !== null) clearTimeout(this.#load);
    if (this.#focus !== null) clearTimeout(this.#focus);
  }

  carryOut(effect: Carried): void {
    switch (effect.type) {
      case "load":
        this.#loadSoon(effect);
        break;
      case "iterations":
        this.#ask(async () => {
          const known = await this.#door.iterations(effect.id);
          this.#tell({ type: "iterations", id: effect.id, known });
        });
        break;
      case "events":
        this.#events(effect.from);
        break;
      case "questions":
        this.questions();
        break;
      case "chat":
        this.#chat.carryOut(effect.does);
        break;
      case "act":
        this.#act(effect.verb, effect.ids);
        break;
      case "reject":
        this.#ask(async () => {
          await this.#door.amend(effect.id, { type: "reject", feedback: effect.text });
          this.#note(`${effect.id} goes back with your words`);
        });
        break;
      case "raise":
        this.#ask(async () => {
          await this.#door.resume(effect.id, { budgetUsd: effect.budgetUsd });
          this.#note(`${effect.id} goes on, with at most ${cost(effect.budgetUsd)}`);
        });
        break;
      case "answer":
        this.#ask(async () => {
          await this.#door.answer(effect.id, effect.text);
          this.#note(`answered ${effect.id}`);
        });
        break;
      case "browse":
        this.#ask(async () => {
          this.#note(await browse(this.#door, effect.path, this.#session.world.env));
        });
        break;
      case "export":
        this.#ask(async () => {
          const file = await exportRows(this.#session.world.cwd, effect.format, effect.rows);
          const { length } = effect.rows;
          this.#note(`${length === 1 ? "1 row is" : `${length} rows are`} in ${file}`);
        });
        break;
      default:
        effect satisfies never;
    }
  }

  questions(): void {
    this.#ask(async () => {
      this.#tell({ type: "questions", questions: await this.#door.questions() });
    });
  }

  /** The daemon tells all that goes by in the loop at which one looks. */
  look(id: string | null): void {
    if (id === this.#focused) return;
    this.#focused = id;
    if (this.#focus !== null) clearTimeout(this.#focus);
    this.#focus = setTimeout(() => this.focus(id), restMs);
  }

  /** In the person's editor, the screen given back; resolves to what is to be said of it. */
  async edit(id: string): Promise<{ readonly text: string; readonly isError: boolean }> {
    try {
      await edit({ ...this.#session, print: () => undefined, say: () => undefined }, id, {});
      return { text: `edited ${id}`, isError: false };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { text: error.message.replaceAll("\n", "; "), isError: true };
    }
  }

  #act(verb: Verb, ids: readonly string[]): void {
    this.#ask(async () => {
      for (const id of ids) await verbs[verb](this.#door, id);
      this.#note(`${done[verb]} ${ids.length === 1 ? ids[0] : `${ids.length} loops`}`);
    });
  }

  #events(from: number | null): void {
    if (this.#isReadingEvents) return;
    this.#isReadingEvents = true;
    this.#ask(
      async () => {
        const first = from ?? (await this.#door.status()).store.seq - eventsFirst;
        const events = await this.#door.events(Math.max(1, first));
        if (events.length > 0) this.#tell({ type: "events", events });
      },
      () => {
        this.#isReadingEvents = false;
      },
    );
  }

  #loadSoon(effect: Load): void {
    this.#waiting = effect;
    if (this.#load !== null || this.#isLoading) return;
    this.#load = setTimeout(() => this.#loadNow(), restMs);
  }

  /** One at a time; what was asked for meanwhile, last of all, comes next. */
  #loadNow(): void {
    this.#load = null;
    const effect = this.#waiting;
    if (effect === null) return;
    this.#waiting = null;
    this.#isLoading = true;
    this.#ask(
      async () => {
        const lines = await textOf(this.#door, effect);
        this.#tell({ type: "page", key: effect.key, lines });
      },
      () => {
        this.#isLoading = false;
        if (this.#waiting !== null) this.#loadSoon(this.#waiting);
      },
    );
  }

  #note(text: string): void {
    this.#tell({ type: "notice", text, isError: false });
  }

  /** What a person can mend is told below; anything else is a bug, and ends the screen. */
  #ask(body: () => Promise<void>, after: () => void = () => undefined): void {
    body()
      .catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error;
        this.#tell({ type: "notice", text: error.message.replaceAll("\n", "; "), isError: true });
      })
      .finally(after)
      .catch(this.#fail);
  }
}

const verbs: Readonly<Record<Verb, (door: Door, id: string) => Promise<unknown>>> = {
  pause: (door, id) => door.pause(id),
  resume: (door, id) => door.resume(id, {}),
  stop: (door, id) => door.stop(id),
  retry: (door, id) => door.resume(id, {}),
  approve: (door, id) => door.amend(id, { type: "approve" }),
};

const done: Readonly<Record<Verb, string>> = {
  pause: "paused",
  resume: "resumed",
  stop: "stopped",
  retry: "retried",
  approve: "approved",
};
