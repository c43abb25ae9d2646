import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedact } from "../../src/core/redact.ts";
import { cpuMs } from "../cpu-time.ts";

const redact = createRedact([]);
// Put together at run time, so that no scanner takes these samples for real ones.
const join = (...parts: string[]): string => parts.join("");
const letters = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";
const pemBody = Array(5)
  .fill("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj")
  .join("\n");
const pem = (kind: string): string =>
  `-----BEGIN ${kind}PRIVATE KEY-----\n${pemBody}\n-----END ${kind}PRIVATE KEY-----`;
const jwt = `eyJ${letters}.eyJ${letters}.${letters}_-`;

describe("known secrets", () => {
  const secret = 'p@ss "word"/ü+42';
  const known = createRedact([secret, "short", "hunter2hunter2"]);

  test.for<[string, string]>([
    ["as it is", secret],
    ["in a JSON string", JSON.stringify({ secret })],
    ["in a URL", `https://a.example/?k=${encodeURIComponent(secret)}`],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64 behind a name", Buffer.from(`user:${secret}`).toString("base64")],
    ["in base64 in the middle", Buffer.from(`ab${secret}cd`).toString("base64")],
    ["in URL-safe base64", Buffer.from(secret).toString("base64url")],
  ])("go %s", ([, text]) => {
    const clean = known(`before ${text} after`);
    expect(clean).toContain("[redacted]");
    expect(clean).toMatch(/^before .* after$/);
    const decoded = Buffer.from(clean.replaceAll("[redacted]", ""), "base64").toString();
    for (const rest of [clean, decoded, decodeURIComponent(clean)]) {
      expect(rest).not.toContain("word");
    }
  });

  test("that are shorter than eight characters stay", () => {
    expect(known("a short word")).toBe("a short word");
  });

  test("go wherever they stand, the longest first", () => {
    const nested = createRedact(["hunter2hunter2", "hunter2hunter2-and-more"]);
    expect(nested("xhunter2hunter2-and-morex hunter2hunter2")).toBe("x[redacted]x [redacted]");
  });
});

test.for<[string, string, string]>([
  ["an Anthropic key", join("sk-", "ant-api03-", letters, "-_AA"), "[redacted]"],
  ["an OpenAI key", join("sk-", "proj-", letters), "[redacted]"],
  ["a GitHub token", join("ghp", "_", letters), "[redacted]"],
  ["a GitHub OAuth token", join("gho", "_", letters), "[redacted]"],
  ["a fine-grained GitHub token", join("github", "_pat_", letters, "_", letters), "[redacted]"],
  ["an AWS key id", join("AKIA", "IOSFODNN7EXAMPLE"), "[redacted]"],
  ["a Slack token", join("xox", "b-", "123456789012-abcdef"), "[redacted]"],
  ["a GitLab token", join("gl", "pat-", letters.slice(0, 20)), "[redacted]"],
  ["an npm token", join("np", "m_", letters), "[redacted]"],
  ["a Google key", join("AI", "za", letters.slice(0, 35)), "[redacted]"],
  ["a Stripe key", join("sk", "_live_", letters), "[redacted]"],
  ["a JSON web token", jwt, "[redacted]"],
  ["a private key", pem(""), "[redacted]"],
  [
    "an encrypted RSA key",
    pem("RSA ").replace("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A\n\n"),
    "[redacted]",
  ],
  ["a private key in JSON", JSON.stringify(pem("EC ")), '"[redacted]"'],
  ["a private key that was cut", pem("OPENSSH ").slice(0, 320), "[redacted]"],
  ["a header", "Authorization: Bearer abcdef.1234_~+/=", "Authorization: Bearer [redacted]"],
  [
    "a header in JSON",
    '{"authorization": "Basic dXNlcjpwYXNz"}',
    '{"authorization": "Basic [redacted]"}',
  ],
  ["a password in a URL", "postgres://me:s3cret@db:5432/x", "postgres://me:[redacted]@db:5432/x"],
  ["a password without a user", "redis://:s3cret@cache/0", "redis://:[redacted]@cache/0"],
])("%s goes", ([, text, clean]) => {
  expect(redact(text)).toBe(clean);
  expect(redact(`KEY="${text}" # x`)).toBe(`KEY="${clean}" # x`);
  expect(redact(JSON.stringify(`a\n${text}\nb`))).not.toContain(letters.slice(4, 20));
});

test.for([
  "3c4bce7d1f8e0a9b2d6c5e4f3a2b1c0d9e8f7a6b",
  "123e4567-e89b-12d3-a456-426614174000",
  "sha512-m2Cf1yFz2nS8iA1hO0XYB3q3GqgJ0p3lYvHgOqCYTnAIfeQLEA1Zd9AC3SNAsdNRQoRXvSBN6SUsPkTUskaAkA==",
  'import { createRedact } from "../../src/core/redact.ts";',
  "const token = await auth.getToken(request.headers.authorization);",
  join("headers: { Authorization: `Bearer $", "{token}` }"),
  "curl -H 'Authorization: Bearer $TOKEN' https://api.example.org/v1/things?x=1#y",
  join("https://user:$", "{PASSWORD}@example.org and https://user:%s@example.org"),
  "git@github.com:owner/repo.git, ssh://git@example.org:22/a, http://[::1]:80/a@b, mailto:a@b.c",
  "http://127.0.0.1:8080/@vite/client, https://unpkg.com:443/@scope/name@1.2.3",
  '<div class="sk-folding-cube-container sk-cube1 sk-circle-fade-dot">',
  "npm_config_registry npm_package_dependencies_typescript_version hf_hub_download_everything",
  "task-ant-design, risk-anticipation-0123456789abcdef0123",
  'if (text.startsWith("-----BEGIN PRIVATE KEY-----")) { return parse(text); }',
  "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n-----END CERTIFICATE-----",
  "[redacted] [[redacted]] Authorization: Bearer [redacted]",
])("%s stays", (text) => {
  expect(redact(text)).toBe(text);
});

test("the source of this program stays", () => {
  for (const file of ["src/ports.ts", "src/core/loop.ts", "package.json", "package-lock.json"]) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    expect(redact(text)).toBe(text);
  }
});

test("a second time changes nothing", () => {
  const secrets = ["hunter2hunter2", "redacted", "[redacted]", "x[redacted]y", "acted]zz"];
  const pieces = [
    ...[...secrets, letters, jwt, pem(""), pem("RSA ").slice(0, 200), "-----", "\n", "\\n", " "],
    ...["sk-", "sk-ant-", "ghp_", "AKIAIOSFODNN7EXAMPLE", "eyJ", ".", "AIza", "xoxb-", "npm_"],
    ...["https://", ":", "@", "me", "/", "Authorization: ", "Bearer ", "basic ", "[redacted]", "x"],
  ];
  const clean = createRedact(secrets);
  const piece = fc.oneof(fc.constantFrom(...pieces), fc.string());
  const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (dirty) => {
      const once = clean(dirty);
      expect(clean(once)).toBe(once);
    }),
    { numRuns: 3000 },
  );
});

test("what is left never has a known secret", () => {
  const secret = fc
    .string({ minLength: 8, maxLength: 20 })
    .filter((text) => !"[redacted]".includes(text));
  fc.assert(
    fc.property(fc.array(secret, { maxLength: 3 }), fc.string(), (secrets, between) => {
      const text = secrets.join(between);
      const clean = createRedact(secrets)(text);
      for (const one of secrets) expect(clean.split("[redacted]").join("\n\n")).not.toContain(one);
    }),
  );
});

test.for([
  "a",
  "a://",
  "a:",
  "sk-",
  "sk-a",
  "sk-0-",
  "eyJ",
  "eyJaaaaaaaa.",
  "-----BEGIN PRIVATE KEY-----",
  "-----",
  "-",
  "Authorization: ",
  "authorization:bearer ",
  "\\n",
  "AKIA",
  "A",
  "ghp_",
  ' x="y";\n',
  "http://a:b",
  "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n",
])("ten megabytes of %j take no longer than they should", (piece) => {
  const text = piece.repeat(Math.ceil(10_000_000 / piece.length));
  const known = createRedact(["hunter2hunter2", "another-secret-of-mine"]);
  const startedAt = cpuMs();
  known(text);
  expect(cpuMs() - startedAt).toBeLessThan(4000);
});
