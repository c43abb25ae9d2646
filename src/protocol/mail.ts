import type { MessageView } from "../views/message-view.ts";
import type { QuestionView } from "../views/questions.ts";

/** What a person sends. */
export type SendRequest =
  | {
      readonly kind: "alert";
      readonly topic: string;
      readonly body: string;
      /** Any directory inside the repository whose loops are meant. */
      readonly dir: string;
      /** Only the loops of this plan. */
      readonly plan: string | null;
    }
  | {
      readonly kind: "query";
      readonly to: string;
      readonly body: string;
      readonly timeoutMs: number;
    }
  | { readonly kind: "share" | "stop"; readonly to: string; readonly body: string };

export interface MailReader {
  /** Loops that wait for a person; what holds up most comes first. */
  questions(): Promise<readonly QuestionView[]>;
  deadLetters(): Promise<readonly MessageView[]>;
}

export interface MailDoor {
  /** An alert becomes a message for each loop that hears it. */
  send(request: SendRequest): Promise<readonly MessageView[]>;
  /** As it is once it is settled, or after `waitMs`. */
  message(id: string, waitMs: number): Promise<MessageView>;
  requeue(id: string): Promise<MessageView>;
  drop(id: string): Promise<void>;
}

/** No answer waits longer for one request: whoever wants more asks again. */
export const messageWaitMsMax = 25_000;
