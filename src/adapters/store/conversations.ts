import { Buffer } from "node:buffer";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type {
  ChatEntry,
  ChatPart,
  Conversation,
  ConversationHead,
  Conversations,
} from "../../ports/chat.ts";
import type { Redact } from "../../ports.ts";
import { codeOf } from "./errors.ts";
import { privateDir, privateFile } from "./home.ts";

/** Of one conversation; the oldest leave first. */
export const entriesMax = 400;
export const bytesMax = 1024 * 1024;
/** Of a home; who was silent longest leaves first. */
export const conversationsMax = 200;
const headBytesMax = 16 * 1024;
const idPattern = /^c[1-9]\d{0,14}$/;

/**
 * `<home>/chats/c<number>.jsonl`: the head in the first line, an entry in each that follows. Written
 * whole beside the old one and put in its place.
 */
export class FileConversations {
  readonly #dir: string;
  #last = 0;

  constructor(home: string) {
    this.#dir = join(home, "chats");
  }

  /** What is saved by it goes through `redact`. */
  for(redact: Redact): Conversations {
    return {
      list: (repo) => this.#list(repo),
      read: (id) => this.read(id),
      newId: () => this.#newId(),
      save: (conversation) => this.#save(cleanConversation(conversation, redact)),
    };
  }

  async read(id: string): Promise<Conversation | null> {
    if (!idPattern.test(id)) return null;
    const text = await readFile(this.#file(id), "utf8").catch(unlessAbsent);
    if (text === null) return null;
    const [first = "", ...rest] = text.split("\n");
    const head = parsed<ConversationHead>(first, "repo");
    if (head === null) return null;
    const entries = rest.flatMap((line) => parsed<ChatEntry>(line, "from") ?? []);
    return { ...head, entries };
  }

  async #list(repo: string): Promise<readonly ConversationHead[]> {
    return (await this.#heads()).filter((head) => head.repo === repo);
  }

  async #newId(): Promise<string> {
    const numbers = (await this.#ids()).map((id) => Number(id.slice(1)));
    this.#last = Math.max(this.#last, ...numbers) + 1;
    return `c${this.#last}`;
  }

  async #save(conversation: Conversation): Promise<Conversation> {
    const { entries, ...head } = conversation;
    const kept = newestWithin(entries);
    const lines = [head, ...kept].map((value) => `${JSON.stringify(value)}\n`);
    await mkdir(this.#dir, { recursive: true, mode: privateDir });
    const part = `${this.#file(head.id)}.part`;
    const file = await open(part, "w", privateFile);
    try {
      await file.writeFile(lines.join(""));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, this.#file(head.id));
    await this.#sweep();
    return { ...head, entries: kept };
  }

  async #sweep(): Promise<void> {
    if ((await this.#ids()).length <= conversationsMax) return;
    const over = (await this.#heads()).slice(conversationsMax);
    for (const { id } of over) await rm(this.#file(id), { force: true });
  }

  /** The newest first. */
  async #heads(): Promise<readonly ConversationHead[]> {
    const heads: ConversationHead[] = [];
    for (const id of await this.#ids()) {
      const head = await this.#head(id);
      if (head !== null) heads.push(head);
    }
    return heads.sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1));
  }

  async #head(id: string): Promise<ConversationHead | null> {
    const file = await open(this.#file(id), "r").catch(unlessAbsent);
    if (file === null) return null;
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytesMax), 0, headBytesMax, 0);
      const [line = ""] = buffer.toString("utf8", 0, bytesRead).split("\n", 1);
      return parsed<ConversationHead>(line, "repo");
    } finally {
      await file.close();
    }
  }

  async #ids(): Promise<readonly string[]> {
    const names = (await readdir(this.#dir).catch(unlessAbsent)) ?? [];
    return names
      .map((name) => name.replace(/\.jsonl$/, ""))
      .filter((name, index) => idPattern.test(name) && names[index] !== name);
  }

  #file(id: string): string {
    return join(this.#dir, `${id}.jsonl`);
  }
}

/** An answer without its question says nothing: what is kept begins with a person's words. */
function newestWithin(entries: readonly ChatEntry[]): readonly ChatEntry[] {
  let from = Math.max(0, entries.length - entriesMax);
  let bytes = 0;
  for (let at = entries.length - 1; at >= from; at -= 1) {
    bytes += Buffer.byteLength(JSON.stringify(entries[at]));
    if (bytes > bytesMax) from = at + 1;
  }
  while (from > 0 && from < entries.length && entries[from]?.from !== "person") from += 1;
  return entries.slice(from);
}

function cleanConversation(conversation: Conversation, redact: Redact): Conversation {
  const { title, entries } = conversation;
  return {
    ...conversation,
    title: redact(title),
    entries: entries.map((entry) => cleanEntry(entry, redact)),
  };
}

function cleanEntry(entry: ChatEntry, redact: Redact): ChatEntry {
  if (entry.from === "person") return { ...entry, text: redact(entry.text) };
  const { reason, parts } = entry;
  return {
    ...entry,
    reason: reason === null ? null : redact(reason),
    parts: parts.map((part) => cleanPart(part, redact)),
  };
}

function cleanPart(part: ChatPart, redact: Redact): ChatPart {
  if (part.type === "text") return { ...part, text: redact(part.text) };
  return { ...part, name: redact(part.name), summary: redact(part.summary) };
}

/** Our own files: only a line that a full disk cut short is guarded against. */
function parsed<Value>(line: string, field: string): Value | null {
  try {
    const value: unknown = JSON.parse(line);
    const isWhole = typeof value === "object" && value !== null && field in value;
    return isWhole ? (value as Value) : null;
  } catch {
    return null; // no line of ours
  }
}

function unlessAbsent(error: unknown): null {
  if (codeOf(error) === "ENOENT") return null;
  throw error;
}
