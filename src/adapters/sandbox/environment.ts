import { isAbsolute } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

const passed = new Set(["PATH", "LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "NO_COLOR", "CI"]);
/** Where toolchains outside HOME are told to live; only paths, and HOME itself is another one. */
const toolchainHomes = new Set(["JAVA_HOME", "GOROOT", "NIX_PATH", "NIX_SSL_CERT_FILE"]);
/** They would act on programs that run before the user id is dropped. */
const refused = /^(LD_|DYLD_|GCONV_PATH$|GLIBC_|MALLOC_|BASH_ENV$|BASH_FUNC_|ENV$|SHELLOPTS$)/;

/** Package managers try again and again (npm for 70 s), and where no network is that never helps. */
export const noRetries: Readonly<Record<string, string>> = {
  npm_config_fetch_retries: "0",
  PIP_RETRIES: "0",
  CARGO_NET_RETRY: "0",
  UV_HTTP_RETRIES: "0",
};

export interface CommandEnvironment {
  readonly home: string;
  readonly temp: string;
  readonly user: string;
  /** Of the toolchains, the proxy and the request, the later over the earlier. */
  readonly added: readonly Readonly<Record<string, string>>[];
}

/** Everything a command's environment holds: from an allowlist, so that no key gets in. */
export function commandEnvironment(
  env: Environment,
  { home, temp, user, added }: CommandEnvironment,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (passed.has(name) || toolchainHomes.has(name) || name.startsWith("LC_"))
      result[name] = value;
  }
  Object.assign(result, {
    PATH: searchPath(env).join(":"),
    HOME: home,
    TMPDIR: temp,
    USER: user,
    LOGNAME: user,
    SHELL: "/bin/sh",
    TASKDAEMON_SANDBOX: "1",
  });
  for (const more of added) {
    for (const [name, value] of Object.entries(more)) {
      if (!refused.test(name)) result[name] = value;
    }
  }
  return result;
}

/** PATH without what depends on the current directory, which belongs to a model. */
export function searchPath(env: Environment): string[] {
  const { PATH = "/usr/local/bin:/usr/bin:/bin" } = env;
  const entries = PATH.split(":");
  return [...new Set(entries.filter((entry) => isAbsolute(entry)))];
}
