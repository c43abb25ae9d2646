import { resolve } from "node:path";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { interruptible } from "./interrupt.ts";
import type { Session } from "./session.ts";
import { strip } from "./text.ts";

/** `td mock-llm`: runs until Ctrl-C, which is how it is meant to end. */
export async function mockLlm(
  session: Session,
  options: { readonly port?: number | undefined; readonly scenario?: string | undefined },
): Promise<number> {
  const { world } = session;
  const { port = 0, scenario } = options;
  let isFirst = true;
  const write = (line: string) => {
    if (!session.json) session.print(strip(line));
    else if (isFirst) session.printJson({ url: line.trim() });
    else session.say(strip(line));
    isFirst = false;
  };
  await interruptible(session, (signal) => {
    const scenarioFile = scenario === undefined ? null : resolve(world.cwd, scenario);
    return world.program.mockLlm({ port, scenarioFile, write }, signal).catch((error: unknown) => {
      throw refusedPort(error, port);
    });
  });
  return exitCodes.done;
}

function refusedPort(error: unknown, port: number): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "is in use by another program",
    EACCES: "may not be opened by you",
  };
  const reason = reasons[String(error.code)];
  if (reason === undefined) return error;
  const message = `port ${port} ${reason}; --port 0 picks a free one`;
  return new UserError(exitCodes.usage, message, { cause: error });
}

/** `td demo` */
export async function demo(
  session: Session,
  options: { readonly speed: number; readonly keep?: true | undefined },
): Promise<number> {
  const { speed, keep = false } = options;
  const write = (line: string) => {
    if (session.json) session.say(strip(line));
    else session.print(strip(line));
  };
  return interruptible(session, async (signal) => {
    const exitCode = await session.world.program.demo({ speed, keep, write }, signal);
    if (session.json) session.printJson({ exitCode });
    return signal.aborted && exitCode !== exitCodes.done ? exitCodes.interrupted : exitCode;
  });
}
