import { spawn } from "node:child_process";
import { once } from "node:events";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { Session } from "./session.ts";

/** `td shell ID`: the user's own shell where the loop works, or only where that is. */
export async function shell(
  session: Session,
  id: string,
  { print }: { readonly print?: true | undefined },
): Promise<number> {
  const { world, place } = session;
  const entry = await world.program.shell(place, id);
  if (session.json) session.printJson(entry);
  else if (print === true) session.print(entry.dir);
  if (print === true) session.say("git there is the loop's own: use td shell to run git safely");
  if (session.json || print === true) return exitCodes.done;
  const program = world.env["SHELL"] || "/bin/sh";
  session.say(`${program} in ${entry.dir}; exit returns`);
  // The terminal sends Ctrl-C to the shell as well: it is the shell's, not ours.
  const off = world.onSignal("SIGINT", () => undefined);
  try {
    return await spawned(program, entry.dir, { ...world.env, ...entry.env });
  } finally {
    off();
  }
}

async function spawned(program: string, cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(program, [], { cwd, env, stdio: "inherit" });
  try {
    const [code] = await once(child, "exit");
    return typeof code === "number" ? code : exitCodes.failed;
  } catch (error) {
    throw new UserError(
      exitCodes.failed,
      `cannot start ${program} in ${cwd}: set SHELL to a shell that is there`,
      { cause: error },
    );
  }
}
