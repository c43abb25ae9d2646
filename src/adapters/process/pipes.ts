import { execFileSync } from "node:child_process";
import { chownSync, closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { assert } from "../../core/assert.ts";

/** Of POSIX: Node has no call for it. */
export const pipeMaker = "mkfifo";

/** Where a child's output goes: descriptors to give it, streams to read, both to be let go. */
export interface OutputPipes {
  readonly descriptors: readonly [stdout: number, stderr: number];
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** To be called once the child has its copies: our own would keep the streams open. */
  closeDescriptors(): void;
}

/** Where `count` pairs of named pipes lie. */
export interface PipePlace {
  readonly dir: string;
  readonly count: number;
}

/**
 * Makes named pipes for the output of children, in a private directory; `owner` is who children
 * will be. Node gives children sockets, and a script cannot open /dev/stdout or /dev/stderr again
 * when that is a socket, nor when it belongs to another user.
 */
export function makePipes(place: PipePlace, owner: number | null): PipePlace {
  const paths = pairsOf(place).flat();
  execFileSync(pipeMaker, ["-m", "600", "--", ...paths]);
  if (owner !== null) for (const path of paths) chownSync(path, owner, owner);
  return place;
}

type Pair = readonly [stdout: string, stderr: string];

function pairsOf({ dir, count }: PipePlace): Pair[] {
  return Array.from({ length: count }, (_, n) => [join(dir, `${n}-out`), join(dir, `${n}-err`)]);
}

/** Lends the pairs of any number of places. */
export class PipePool {
  readonly #free = new Map<string, Pair[]>();

  /** Nobody else has the pair while `action` runs. Not for more callers at once than pairs. */
  async lend<T>(place: PipePlace, action: (pipes: OutputPipes) => Promise<T>): Promise<T> {
    const free = this.#free.get(place.dir) ?? pairsOf(place);
    this.#free.set(place.dir, free);
    const pair = free.pop();
    assert(pair !== undefined, "there are as many pairs of pipes as commands at once");
    try {
      return await withPair(pair, action);
    } finally {
      free.push(pair);
    }
  }
}

async function withPair<T>(
  [out, error]: Pair,
  action: (pipes: OutputPipes) => Promise<T>,
): Promise<T> {
  const opened: Opened[] = [];
  let isOpen = true;
  const closeDescriptors = () => {
    if (isOpen) for (const { writer } of opened) closeSync(writer);
    isOpen = false;
  };
  try {
    const stdout = openPipe(out);
    opened.push(stdout);
    const stderr = openPipe(error);
    opened.push(stderr);
    return await action({
      descriptors: [stdout.writer, stderr.writer],
      stdout: stdout.reader,
      stderr: stderr.reader,
      closeDescriptors,
    });
  } finally {
    closeDescriptors();
    for (const { reader } of opened) reader.destroy();
  }
}

interface Opened {
  readonly writer: number;
  readonly reader: Socket;
}

function openPipe(path: string): Opened {
  // Without O_NONBLOCK it would wait for the writer, which is us, a line later.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const reader = new Socket({ fd, readable: true, writable: false });
  try {
    return { writer: openSync(path, constants.O_WRONLY), reader };
  } catch (error) {
    reader.destroy();
    throw error;
  }
}
