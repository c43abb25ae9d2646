import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { Sent } from "../../ports/notify.ts";
import { runProgram } from "../process/launch.ts";
import { searchPath } from "../sandbox/environment.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The program that shows notifications here, or why there is none. */
export type Desktop =
  | { readonly ok: true; readonly program: string; readonly kind: "notify-send" | "osascript" }
  | { readonly ok: false; readonly why: string };

export interface DesktopNote {
  readonly title: string;
  readonly text: string;
  readonly urgent: boolean;
}

const timeoutMs = 10_000;
const outputBytesMax = 16_384;
const textCharsMax = 1_000;
const tailCharsMax = 200;
const sessionVariables = ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"];
const passed = [...sessionVariables, "XDG_RUNTIME_DIR", "XAUTHORITY", "HOME", "USER"];

export function findDesktop(env: Environment, platform: NodeJS.Platform): Desktop {
  const kind = platform === "darwin" ? "osascript" : "notify-send";
  const program = searchPath(env)
    .map((dir) => join(dir, kind))
    .find(isProgram);
  if (program === undefined) return { ok: false, why: `there is no ${kind} here` };
  const hasSession = kind === "osascript" || sessionVariables.some((name) => env[name]);
  if (!hasSession) return { ok: false, why: "there is no desktop session" };
  return { ok: true, program, kind };
}

/** What may be a model's words is an argument, and never part of a script or of markup. */
export async function showOnDesktop(
  { program, kind }: Extract<Desktop, { ok: true }>,
  note: DesktopNote,
  env: Environment,
  signal: AbortSignal,
): Promise<Sent> {
  const given = passed.flatMap((name): [string, string][] => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  });
  try {
    const { exitCode, stderr } = await runProgram(program, argumentsOf(kind, note), {
      cwd: "/",
      env: Object.fromEntries(given),
      timeoutMs,
      outputBytesMax,
      signal,
    });
    if (exitCode === 0) return { ok: true };
    const why = stderr.trim().slice(-tailCharsMax) || `exit code ${exitCode}`;
    return { ok: false, reason: `${kind}: ${why}`, again: false };
  } catch (error) {
    return { ok: false, reason: `${kind} could not run: ${String(error)}`, again: false };
  }
}

function argumentsOf(
  kind: "notify-send" | "osascript",
  { title, text, urgent }: DesktopNote,
): string[] {
  const body = text.slice(0, textCharsMax);
  if (kind === "osascript") {
    const script = [
      "on run argv",
      "display notification (item 2 of argv) with title (item 1 of argv)",
    ];
    return [...[...script, "end run"].flatMap((line) => ["-e", line]), "--", title, body];
  }
  const urgency = urgent ? "critical" : "normal";
  return ["--app-name=TaskDaemon", `--urgency=${urgency}`, "--", title, escaped(body)];
}

/** Bodies are read as markup. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
