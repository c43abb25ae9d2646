import { exitCodes } from "../protocol/errors.ts";
import type { ConfigView } from "../protocol/program.ts";
import { jsonText, type Session, shown } from "./session.ts";
import { strip } from "./text.ts";

/** `td config check`: throws when something is wrong in it. */
export async function checkConfig(session: Session): Promise<number> {
  const { warnings } = await read(session);
  if (session.json) session.printJson({ ok: true, warnings });
  else session.print("the configuration is valid");
  return exitCodes.done;
}

/** `td config show` */
export async function showConfig(
  session: Session,
  { origins }: { readonly origins?: true | undefined },
): Promise<number> {
  const { text, json } = await read(session);
  const plain = strip(text).trimEnd();
  if (session.json) session.printJson(json);
  else session.print(origins === true ? plain : withoutOrigins(plain));
  return exitCodes.done;
}

/** `td config schema`: JSON either way. */
export async function schema(session: Session): Promise<number> {
  const text = jsonText(await session.world.program.configSchema(), !session.json);
  session.print(text);
  return exitCodes.done;
}

async function read(session: Session): Promise<ConfigView> {
  const view = await session.world.program.config(session.place);
  for (const warning of view.warnings) session.say(`warning: ${shown(warning)}`);
  return view;
}

/** The origin is the last comment of a line. */
function withoutOrigins(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const at = line.lastIndexOf(" # ");
      return at === -1 ? line : line.slice(0, at).trimEnd();
    })
    .join("\n");
}
