import { chownSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { bothWays, type ChannelPlace } from "../process/channel.ts";
import { runProgram } from "../process/launch.ts";
import { pipeMaker } from "../process/pipes.ts";

/** Our ends. Nothing ends here by itself: that the program has ended one hears otherwise. */
export interface ChannelEnds {
  readonly toProgram: Socket;
  /** Paused: who wants to hear resumes it. */
  readonly fromProgram: Socket;
  close(): void;
}

/** Made in a directory that only we may enter; `owner` is who the program will be. */
export async function makeChannel(dir: string, owner: number | null): Promise<ChannelPlace> {
  const place = { input: join(dir, "input"), output: join(dir, "output") };
  const paths = [place.input, place.output];
  const made = await runProgram(pipeMaker, ["-m", "600", "--", ...paths], { cwd: "/", env: {} });
  if (made.exitCode !== 0) throw new Error(`cannot make pipes in ${dir}: ${made.stderr.trim()}`);
  // As it could not open /dev/stdin or /dev/stdout again where those are another's.
  if (owner !== null) for (const path of paths) chownSync(path, owner, owner);
  return place;
}

/** To be opened before the program starts. */
export function openOurEnds({ input, output }: ChannelPlace): ChannelEnds {
  const toProgram = new Socket({ fd: openSync(input, bothWays), readable: false, writable: true });
  const fromProgram = new Socket({
    ...{ fd: openSync(output, bothWays), readable: true, writable: false },
  });
  fromProgram.pause();
  const close = () => {
    toProgram.destroy();
    fromProgram.destroy();
  };
  return { toProgram, fromProgram, close };
}
