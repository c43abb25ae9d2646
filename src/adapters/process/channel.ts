import { closeSync, constants, openSync } from "node:fs";

/** Two named pipes: what a program reads as its standard input, and what it writes. */
export interface ChannelPlace {
  readonly input: string;
  readonly output: string;
}

/** Without waiting for anybody at the other end, and of nothing that was put in a pipe's place. */
export const bothWays = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Descriptors to give the program, and to close once it has its copies. */
export function openItsEnds({ input, output }: ChannelPlace): readonly [number, number] {
  // Who holds a pipe open both ways opens it each way at once, even if nobody else is left.
  const guards = [input, output].map((path) => openSync(path, bothWays));
  try {
    return [openSync(input, constants.O_RDONLY), openSync(output, constants.O_WRONLY)];
  } finally {
    for (const guard of guards) closeSync(guard);
  }
}
