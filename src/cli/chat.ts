import type { ChatLive } from "../ports/chat.ts";
import { type ExitCode, exitCodes, UserError } from "../protocol/errors.ts";
import { paint } from "./look.ts";
import { cost } from "./numbers.ts";
import { openAnyDaemon } from "./reach.ts";
import type { Session } from "./session.ts";
import { readTask } from "./task-text.ts";
import { oneLine, strip } from "./text.ts";

export interface ChatOptions {
  readonly model?: string | undefined;
  readonly continue?: string | undefined;
}

/** `td chat`: one message and its answer, as it comes; what goes by is on stderr. */
export async function chat(
  session: Session,
  message: string,
  options: ChatOptions,
): Promise<number> {
  const { place, world } = session;
  if (message.trim() === "") {
    throw new UserError(exitCodes.usage, "the message is empty: say what you want to know");
  }
  const text = await readTask(world, message, undefined);
  const door = await openAnyDaemon(session);
  const stop = new AbortController();
  const off = world.onSignal("SIGINT", () => stop.abort());
  const { model = null, continue: begun = null } = options;
  const answer = new Answer(session);
  try {
    const request = { chat: begun, dir: place.dir, model, text };
    const signal = AbortSignal.any([stop.signal, session.gone]);
    await door.chat(request, (event) => answer.hear(event), signal);
  } finally {
    off();
  }
  return answer.end();
}

type Ended = Extract<ChatLive, { readonly type: "ended" }>;

class Answer {
  readonly #session: Session;
  #chat = "";
  #model = "";
  #text = "";
  #ended: Ended | null = null;

  constructor(session: Session) {
    this.#session = session;
  }

  hear(event: ChatLive): void {
    const { json } = this.#session;
    switch (event.type) {
      case "began":
        this.#chat = event.chat;
        this.#model = event.model;
        break;
      case "text":
        this.#text += event.text;
        if (!json) this.#session.printRaw(strip(event.text));
        break;
      case "turn":
        this.#breakLine();
        break;
      case "again":
        this.#breakLine();
        this.#say(`asked again, from the beginning: ${oneLine(event.reason)}`);
        this.#text = "";
        break;
      case "tool":
        this.#breakLine();
        this.#say(`→ ${oneLine(`${event.name} ${event.summary}`)}`);
        break;
      case "waiting":
        this.#say(`waits: ${oneLine(event.reason)}`);
        break;
      case "ended":
        this.#ended = event;
        break;
      default:
    }
  }

  /** The exit code. */
  end(): number {
    this.#breakLine();
    const ended = this.#ended;
    if (ended === null) return exitCodes.interrupted;
    const { reason, usage } = ended;
    const chat = this.#chat;
    if (this.#session.json) {
      const told = { chat, model: this.#model, text: this.#text, ended: ended.ended };
      this.#session.printJson({ ...told, reason, usage });
    }
    if (reason !== null) this.#say(oneLine(reason));
    this.#say(`${cost(usage.costUsd)}; to go on: td chat --continue ${chat} "…"`);
    return exitCodeOf(ended);
  }

  #breakLine(): void {
    if (this.#text === "" || this.#text.endsWith("\n")) return;
    this.#text += "\n";
    if (!this.#session.json) this.#session.printRaw("\n");
  }

  #say(text: string): void {
    const { say, errorLook } = this.#session;
    say(paint(errorLook, "dim", text));
  }
}

/** Who stops it here is not told how it ended: it was the daemon that stopped. */
function exitCodeOf({ ended, lacks }: Ended): ExitCode {
  if (lacks === "budget") return exitCodes.budget;
  if (lacks === "key") return exitCodes.person;
  if (ended === "stopped") return exitCodes.rejected;
  return ended === "failed" ? exitCodes.failed : exitCodes.done;
}
