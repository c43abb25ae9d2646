import { expect, test } from "vitest";
import { isSecretPath } from "../../src/core/secret-files.ts";

test.each([".env", "api/.env.production", "prod.env", "tls/server.KEY", ".npmrc", "id_ed25519"])(
  "%s is not shown",
  (path) => expect(isSecretPath(path)).toBe(true),
);

test.each([".env.example", "src/env.ts", "src/key.ts", "keys/readme.md", "id_rsa.pub"])(
  "%s is shown",
  (path) => expect(isSecretPath(path)).toBe(false),
);
