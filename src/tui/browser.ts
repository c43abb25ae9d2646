/** The same thing at the dashboard, in the person's browser. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { platform } from "node:os";
import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Resolves to what is to be said of it. The link goes without the token: everybody on this machine
 * can read what programs are called with.
 */
export async function browse(
  door: Pick<Door, "dashboard">,
  path: string,
  env: Env,
): Promise<string> {
  const { port } = await door.dashboard(null);
  const link = `http://127.0.0.1:${port}${path}`;
  const program = browserOf(env, platform());
  if (program === null) return `no browser here: open ${link}`;
  try {
    // Without our terminal: some of them would draw on it.
    const child = spawn(program, [link], { detached: true, stdio: "ignore", env });
    await once(child, "spawn");
    child.unref();
  } catch (cause) {
    const message = `${program} does not start: open ${link}, or set BROWSER`;
    throw new UserError(exitCodes.failed, message, { cause });
  }
  return `opened ${link}; td dashboard prints the link that signs in`;
}

/** What opens links: named by the person, or the desktop's; null where there is none. */
export function browserOf(env: Env, system: NodeJS.Platform): string | null {
  const named = env["BROWSER"]?.split(":")[0] ?? "";
  // `%s` would need a shell to be filled in.
  if (named !== "" && !named.includes("%")) return named;
  if (system === "darwin") return "open";
  const hasDesktop = (env["DISPLAY"] ?? "") !== "" || (env["WAYLAND_DISPLAY"] ?? "") !== "";
  return hasDesktop ? "xdg-open" : null;
}
