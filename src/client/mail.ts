import type { MailDoor, MailReader } from "../protocol/mail.ts";
import type { MessageView } from "../views/message-view.ts";
import type { QuestionView } from "../views/questions.ts";

interface Wire {
  readonly get: (path: string) => Promise<unknown>;
  readonly post: (path: string, body?: unknown) => Promise<unknown>;
}

/** Messages over the daemon's socket. */
export function remoteMail({ get, post }: Wire): MailDoor & MailReader {
  return {
    questions: async () => (await get("/v1/questions")) as QuestionView[],
    deadLetters: async () => (await get("/v1/dead-letters")) as MessageView[],
    send: async (request) => (await post("/v1/messages", request)) as MessageView[],
    message: async (id, waitMs) =>
      (await get(`/v1/messages/${encodeURIComponent(id)}?waitMs=${waitMs}`)) as MessageView,
    requeue: async (id) =>
      (await post(`/v1/dead-letters/${encodeURIComponent(id)}/requeue`)) as MessageView,
    drop: async (id) => {
      await post(`/v1/dead-letters/${encodeURIComponent(id)}/drop`);
    },
  };
}
