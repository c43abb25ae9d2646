import { confirm, isCancel } from "@clack/prompts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { demandTerminal } from "./ask.ts";
import type { Session } from "./session.ts";
import { oneLine, strip } from "./text.ts";

/** `td init`: shows the file first, and never overwrites one. */
export async function init(
  session: Session,
  { yes }: { readonly yes?: true | undefined },
): Promise<number> {
  const { world, place } = session;
  const view = await world.program.initFile(place);
  if (view.exists) {
    throw new UserError(
      exitCodes.invalid,
      `${view.file} exists already, and td init overwrites nothing; td config check reads it`,
    );
  }
  if (yes !== true) {
    demandTerminal(session, "td init");
    world.stderr.write(`${strip(view.text).trimEnd()}\n\n`);
    const answer = await asked(session, `Write this to ${oneLine(view.file)}?`);
    if (answer === null) return exitCodes.interrupted;
    if (!answer) {
      session.say("nothing was written");
      return exitCodes.done;
    }
  }
  await world.program.writeInit(view);
  if (session.json) session.printJson({ file: view.file, detected: view.detected });
  else session.print(`wrote ${oneLine(view.file)}${detectedText(view.detected)}`);
  return exitCodes.done;
}

function detectedText(detected: string | null): string {
  if (detected === null)
    return "\nno validation command was detected: set validation.command in it";
  return `\nvalidation: ${oneLine(detected)}`;
}

/** Null when the person pressed Ctrl-C. */
async function asked({ world }: Session, message: string): Promise<boolean | null> {
  const answer = await confirm({
    message,
    input: world.stdin as NodeJS.ReadStream,
    output: world.stderr as NodeJS.WriteStream,
  });
  return isCancel(answer) ? null : answer;
}
