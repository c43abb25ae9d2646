type Environment = Readonly<Record<string, string | undefined>>;

/** Who the user is, where their files are, and how programs reach the world. */
const passed = new Set([
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LANGUAGE", "TZ"],
  ...["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"],
  ...["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "NIX_SSL_CERT_FILE"],
  ...["GNUPGHOME", "GPG_TTY", "PASSWORD_STORE_DIR", "KRB5CCNAME", "KRB5_CONFIG"],
]);
const families = /^(?:GIT|GH|SSH|LC|GCM)_/;
const proxies = /^(?:https?|all|no)_proxy$/i;
/** What gh itself signs in with, even where a model's key is read from the same place. */
const ghsOwn = new Set([
  ...["GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
]);

/**
 * What the user's own git and gh, and what those start, are given: from an allowlist, so that no
 * key of a model gets into a credential helper or a proxy command. `withheld` are the names that
 * the configuration reads secrets from.
 */
export function userEnvironment(
  env: Environment,
  withheld: readonly string[],
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const isPassed = passed.has(name) || families.test(name) || proxies.test(name);
    if (value === undefined || (!isPassed && !ghsOwn.has(name))) continue;
    if (ghsOwn.has(name) || !withheld.includes(name)) result[name] = value;
  }
  return result;
}
