import { resolve } from "node:path";
import { exitCodes } from "../protocol/errors.ts";
import type { AnyCommand } from "./grammar.ts";
import { statusText } from "./look.ts";
import type { Session } from "./session.ts";
import type { Shell } from "./shells.ts";
import { complete, completionScript, type Offer } from "./tab.ts";
import { cut, oneLine } from "./text.ts";

/** `td completions SHELL` */
export async function completions(session: Session, shell: Shell): Promise<number> {
  const text = completionScript(shell);
  if (session.json) session.printJson({ shell, script: text });
  else session.printRaw(text);
  return exitCodes.done;
}

const idsMax = 200;
const descriptionColumns = 60;

/** `td complete -- …`, which the scripts call on TAB. A TAB is never answered with an error. */
export async function answerTab(
  session: Session,
  root: AnyCommand,
  words: readonly string[],
): Promise<number> {
  const offers = { ids: await ids(session, words), types: await types(session, words) };
  session.printRaw(complete(root, words, offers));
  return exitCodes.done;
}

/** The first word is a command: no id is wanted yet, and the log need not be read. */
async function ids(session: Session, words: readonly string[]): Promise<readonly Offer[]> {
  if (words.length < 2) return [];
  const { world } = session;
  const home = words[words.indexOf("--home") + 1];
  const place = words.includes("--home")
    ? { ...session.place, home: world.homeOf(home ?? null) }
    : session.place;
  return orNothing(async () => {
    const reader = await world.program.openReader(place);
    const loops = await reader.loops({ status: null, type: null, plan: null });
    return loops.slice(-idsMax).map(({ id, title, status }) => ({
      value: oneLine(id),
      description: cut(`${statusText(status)} ${oneLine(title)}`, descriptionColumns),
    }));
  });
}

async function types(session: Session, words: readonly string[]): Promise<readonly Offer[]> {
  if (!words.some((word) => ["run", "types", "list"].includes(word))) return [];
  const { world, place } = session;
  const repo = words[words.indexOf("--repo") + 1];
  const dir = words.includes("--repo") ? resolve(world.cwd, repo ?? ".") : place.dir;
  return orNothing(async () => {
    const known = await world.program.types({ ...place, dir });
    return known.map(({ name, description }) => ({
      value: oneLine(name),
      description: cut(oneLine(description), descriptionColumns),
    }));
  });
}

async function orNothing(look: () => Promise<readonly Offer[]>): Promise<readonly Offer[]> {
  try {
    return await look();
  } catch {
    return []; // an error on TAB would land in the middle of what the person types
  }
}
