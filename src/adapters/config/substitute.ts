export type Environment = Readonly<Record<string, string | undefined>>;

export type Refused = (name: string, value: string) => boolean;

export type Substituted =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string; readonly remedy: string | null };

const reference = /\$\$\{|\$\{([^}]*)\}?/g;
const wellFormed = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
const looksSecret = /key|token|secret|passw|credential|auth|private|session|cookie/i;

/** A password in a URL, as in `DATABASE_URL`, whatever the variable is called. */
const passwordInUrl = /:\/\/[^/?#\s@]*:[^/?#\s@]+@/;

/** Whether a value is a secret though its name does not say so. */
export function holdsPassword(value: string): boolean {
  return passwordInUrl.test(value);
}

/** Whether a name of an environment variable promises a secret. */
export function isSecretName(name: string): boolean {
  return looksSecret.test(name);
}

/**
 * Replaces `${NAME}` and `${NAME:-default}`; `$${` is a literal `${`. An empty variable counts as
 * unset, as in a shell. `refused` says which variables this file may not read.
 */
export function substitute(text: string, env: Environment, refused: Refused): Substituted {
  let failure: Substituted | null = null;
  const replaced = text.replaceAll(reference, (whole: string, inside: string | undefined) => {
    if (whole === "$${") return "${";
    const result = lookUp(whole, inside ?? "", env, refused);
    if (!result.ok) failure ??= result;
    return result.ok ? result.text : "";
  });
  return failure ?? { ok: true, text: replaced };
}

function lookUp(whole: string, inside: string, env: Environment, refused: Refused): Substituted {
  const [, name, otherwise] = (whole.endsWith("}") && wellFormed.exec(inside)) || [];
  if (name === undefined) {
    const reason = `"${whole}" is neither \${NAME} nor \${NAME:-default}`;
    return { ok: false, reason, remedy: "write $${ for a literal ${" };
  }
  if (refused(name, env[name] ?? "")) {
    const reason = `a repository may not read \${${name}}: it looks like a secret`;
    return { ok: false, reason, remedy: "write this key in the user-level file" };
  }
  const value = env[name] || otherwise;
  if (value !== undefined) return { ok: true, text: value };
  const reason = `the environment variable ${name} is not set`;
  return { ok: false, reason, remedy: `set it, or write \${${name}:-default}` };
}
