import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type LoadedConfig, loadConfig } from "../../../src/adapters/config/load-config.ts";
import { ConfigError } from "../../../src/adapters/config/problem.ts";

type Env = Readonly<Record<string, string>>;

/** A directory with these files, gone when the test is. */
export function given(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(tmpdir(), "td-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

export interface Written {
  readonly user?: string;
  readonly home?: string;
  readonly project?: string | Uint8Array;
  readonly env?: Env;
}

/** Loads what was written; the directory's own name is taken out of every message. */
export function load(written: Written): LoadedConfig | string {
  const { user, home, project, env = {} } = written;
  const files = {
    ...(user === undefined ? {} : { "user.yml": user }),
    ...(home === undefined ? {} : { "home.yml": home }),
    ...(project === undefined ? {} : { "taskdaemon.yml": project }),
  };
  const directory = given(files);
  const userFiles = [join(directory, "user.yml"), join(directory, "home.yml")];
  try {
    return loadConfig({ userFiles, projectFile: join(directory, "taskdaemon.yml"), env });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.replaceAll(`${directory}/`, "");
  }
}

export function loaded(written: Written): LoadedConfig {
  const result = load(written);
  if (typeof result === "string") throw new Error(result);
  return result;
}

export const toolNames = [
  ..."read write edit list glob grep bash fetch todo".split(" "),
  ..."alert query share reply ask_person complete_task".split(" "),
];
