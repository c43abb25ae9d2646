/** Names of files that hold secrets by custom, tracked or not. */
const secret =
  /^(?:\.env(?:\..+)?|.+\.env|.+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)|id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|\.git-credentials|credentials(?:\.json)?|secrets?\.(?:ya?ml|json|toml))$/i;
/** What shows which variables there are, and no values. */
const example = /\.(?:example|sample|template|dist)$/i;

/** Whether a path is not for the eyes of a model that a person talks with. */
export function isSecretPath(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return secret.test(name) && !example.test(name);
}
