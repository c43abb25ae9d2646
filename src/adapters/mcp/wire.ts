import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { assert } from "../../core/assert.ts";
import { oneLine } from "../config/problem.ts";

/** Of one message, either way. */
const lineBytesMax = 4 * 1024 * 1024;
/** What may come until a request is answered, the answer included. */
const bytesPerRequestMax = 16 * 1024 * 1024;
const linesPerRequestMax = 10_000;
/** Some write their log where only messages belong. */
const rubbishPerRequestMax = 50;
/** What we have said and the other has not read. */
const unreadBytesMax = 8 * 1024 * 1024;
const quotedCharsMax = 200;
const errorCharsMax = 2_000;

const methodNotFound = -32_601;

/** Nothing more will come of this connection. */
export class WireBroken extends Error {}
/** The other said no; the connection is as good as before. */
export class RemoteError extends Error {}
export class NoAnswer extends Error {}

type Message = Readonly<Record<string, unknown>>;

interface Pending {
  readonly id: number;
  readonly heard: { bytes: number; lines: number; rubbish: number };
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * JSON-RPC, a message a line, with a program that need not mean well: it is listened to only while
 * it owes an answer, and what it may say until then is bounded. One request at a time.
 */
export class Wire {
  readonly #to: Socket;
  readonly #from: Socket;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #lastId = 0;
  #heardBytes = 0;
  #pending: Pending | null = null;
  #broken: WireBroken | null = null;

  constructor(ends: { readonly toProgram: Socket; readonly fromProgram: Socket }) {
    this.#to = ends.toProgram;
    this.#from = ends.fromProgram;
    this.#from.on("data", (chunk: Buffer) => this.#hear(chunk));
    this.#from.pause();
    for (const end of [this.#to, this.#from]) {
      end.on("error", (error) => this.break(`its pipes broke: ${error.message}`));
    }
  }

  /** All that has come so far. */
  get heardBytes(): number {
    return this.#heardBytes;
  }

  /** Rejects with WireBroken, RemoteError, NoAnswer, or the signal's reason. */
  async request(
    method: string,
    params: Message,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<unknown> {
    signal.throwIfAborted();
    if (this.#broken !== null) throw this.#broken;
    assert(this.#pending === null, "one request at a time");
    this.#lastId += 1;
    const id = this.#lastId;
    const timer = new AbortController();
    const either = AbortSignal.any([signal, timer.signal]);
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending = { id, heard: { bytes: 0, lines: 0, rubbish: 0 }, resolve, reject };
    });
    const late = sleep(timeoutMs, null, { signal: either }).then(
      () => this.#giveUp(id, new NoAnswer(`no answer within ${timeoutMs / 1_000} s`)),
      () => signal.aborted && this.#giveUp(id, asError(signal.reason)),
    );
    this.#from.resume();
    this.#say({ id, method, params });
    try {
      return await answer;
    } finally {
      this.#pending = null;
      this.#from.pause();
      timer.abort();
      await late;
    }
  }

  notify(method: string, params: Message = {}): void {
    this.#say({ method, params });
  }

  /** The first reason stays. */
  break(reason: string): void {
    this.#broken ??= new WireBroken(reason);
    this.#line = [];
    this.#lineBytes = 0;
    this.#pending?.reject(this.#broken);
  }

  #giveUp(id: number, error: Error): void {
    if (this.#pending?.id !== id) return;
    this.notify("notifications/cancelled", { requestId: id, reason: error.message });
    this.#pending.reject(error);
  }

  #say(message: Message): void {
    if (this.#broken !== null) return;
    const line = `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
    if (Buffer.byteLength(line) > lineBytesMax) this.break("a message to it is too long");
    else this.#to.write(line);
    if (this.#to.writableLength > unreadBytesMax) this.break("it does not read what it is told");
  }

  #hear(chunk: Buffer): void {
    let rest = chunk;
    this.#heardBytes += chunk.length;
    while (rest.length > 0 && this.#broken === null) {
      const end = rest.indexOf(0x0a);
      const piece = end < 0 ? rest : rest.subarray(0, end);
      this.#line.push(piece);
      this.#lineBytes += piece.length;
      this.#count(piece.length + 1, end < 0 ? 0 : 1);
      if (end < 0) return;
      const line = Buffer.concat(this.#line).toString("utf8");
      this.#line = [];
      this.#lineBytes = 0;
      rest = rest.subarray(end + 1);
      this.#take(line);
    }
  }

  #count(bytes: number, lines: number): void {
    if (this.#lineBytes > lineBytesMax) this.break("it wrote an endless line");
    const heard = this.#pending?.heard;
    if (heard === undefined) return;
    heard.bytes += bytes;
    heard.lines += lines;
    if (heard.bytes > bytesPerRequestMax || heard.lines > linesPerRequestMax) {
      this.break("it floods: too much besides the answer");
    }
  }

  #take(line: string): void {
    if (line.trim() === "") return;
    const message = parsed(line);
    if (message === null) this.#rubbish(line);
    else if (typeof message["method"] === "string") this.#asked(message["id"], message["method"]);
    else if (message["id"] === this.#pending?.id) this.#answered(message);
  }

  #answered(message: Message): void {
    if ("result" in message) this.#pending?.resolve(message["result"]);
    else this.#pending?.reject(new RemoteError(errorText(message["error"])));
  }

  #rubbish(line: string): void {
    const heard = this.#pending?.heard;
    if (heard === undefined) return;
    heard.rubbish += 1;
    if (heard.rubbish <= rubbishPerRequestMax) return;
    this.break(`it writes what is no message: ${oneLine(line, quotedCharsMax)}`);
  }

  /** We offer nothing: a sign of life is all that anybody may ask for. */
  #asked(id: unknown, method: string): void {
    if (typeof id !== "number" && typeof id !== "string") return;
    if (method === "ping") this.#say({ id, result: {} });
    else this.#say({ id, error: { code: methodNotFound, message: "not offered here" } });
  }
}

function parsed(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line);
    const isMessage = typeof value === "object" && value !== null && !Array.isArray(value);
    return isMessage ? (value as Message) : null;
  } catch {
    return null;
  }
}

function errorText(error: unknown): string {
  const { message } = (typeof error === "object" && error !== null ? error : {}) as Message;
  return typeof message === "string" ? message.slice(0, errorCharsMax) : "an error without words";
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
