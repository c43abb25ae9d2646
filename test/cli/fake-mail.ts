import type { MailDoor, MailReader } from "../../src/protocol/mail.ts";
import type { MessageView } from "../../src/views/message-view.ts";
import type { QuestionView } from "../../src/views/questions.ts";

/** A question of a person that waits. */
export const letter: MessageView = {
  id: "m1",
  kind: "query",
  from: "person",
  to: "1",
  topic: null,
  body: "How far?",
  status: "waiting",
  reason: null,
  answer: null,
  sentAt: "2026-01-01T00:00:00.000Z",
  expiresAt: "2026-01-01T00:05:00.000Z",
};

/** The mail of a program in memory. */
export class FakeMail {
  questions: QuestionView[] = [];
  letters: MessageView[] = [];
  /** What `send` answers, and what a message is when it is asked for. */
  sent: MessageView[] = [letter];
  settled: MessageView = letter;
  readonly asked: unknown[] = [];

  readonly reader: MailReader = {
    questions: async () => this.questions,
    deadLetters: async () => this.letters,
  };

  readonly door: MailDoor = {
    send: async (request) => {
      this.asked.push(request);
      return this.sent;
    },
    message: async () => this.settled,
    requeue: async (id) => ({ ...letter, id }),
    drop: async (id) => {
      this.asked.push({ drop: id });
    },
  };
}
