import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Desk } from "../../src/protocol/desk.ts";
import { openSocket } from "../../src/server/listen.ts";

/** A door at a real socket, with nobody at the desk. */
async function door(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "td-door-"));
  const path = join(dir, "daemon.sock");
  const desk = { watch: () => () => undefined } as unknown as Desk;
  const report = () => undefined;
  const open = await openSocket(path, { version: "9.9.9", desk, asUserError: (e) => e, report });
  onTestFinished(async () => {
    await open.close();
    rmSync(dir, { recursive: true });
  });
  return path;
}

/** All that is said to these bytes until the line of the answer's end, or the connection's. */
function said(path: string, text: string, until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let heard = "";
    const end = () => {
      socket.destroy();
      resolve(heard);
    };
    socket.on("error", reject).on("close", end);
    socket.on("data", (bytes) => {
      heard += bytes.toString("latin1");
      if (until.test(heard)) end();
    });
    socket.write(text);
  });
}

const upgrade = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const request = (target: string, lines: readonly string[]) =>
  [`GET ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n");

const own: readonly (readonly string[])[] = [
  ["Host: localhost"],
  ["Host: LOCALHOST:4000"],
  ["Host: 127.0.0.1:80"],
  ["Host: [::1]:4000"],
  ["Host: localhost:4000", "Origin: http://localhost:4000"],
];

const foreign: readonly (readonly string[])[] = [
  ["Host: evil.example"],
  ["Host: localhost.evil.example"],
  ["Host: 127.0.0.1.evil.example"],
  ["Host: evil.example:80", "Origin: http://evil.example:80"],
  ["Host: localhost@evil.example"],
  ["Host: "],
  ["Host: localhost", "Host: evil.example"],
  ["Host: localhost", "Origin: http://evil.example"],
  ["Host: localhost", "Origin: null"],
  ["Host: localhost", "Origin: http://localhost:4000"],
  ["Host: localhost", "Origin: https://localhost"],
];

test("programs on this machine are answered, by HTTP and as a WebSocket", async () => {
  const path = await door();
  for (const lines of own) {
    expect(await said(path, request("/v1/ping", lines), /\}$/)).toMatch(/^HTTP\/1.1 200 .*9\.9/s);
    const feed = request("/v1/feed", [...lines, ...upgrade]);
    expect(await said(path, feed, /\r\n\r\n/)).toMatch(/^HTTP\/1.1 101 /);
  }
});

test("a foreign Host or Origin gets nothing, by HTTP or as a WebSocket", async () => {
  const path = await door();
  for (const lines of foreign) {
    const answer = await said(path, request("/v1/ping", lines), /\}$/);
    expect([lines, answer]).toEqual([
      lines,
      expect.stringMatching(/^HTTP\/1.1 403 .*exitCode":2/s),
    ]);
    const feed = request("/v1/feed", [...lines, ...upgrade]);
    const refused = await said(path, feed, /\r\n\r\n/);
    expect([lines, refused]).toEqual([lines, expect.stringMatching(/^HTTP\/1.1 403 /)]);
  }
});

test("a request for a whole address is refused, whatever it names", async () => {
  const path = await door();
  for (const target of ["http://localhost/v1/ping", "http://evil.example/v1/ping", "*"]) {
    for (const more of [[], upgrade]) {
      const text = request(target, ["Host: localhost", ...more]);
      expect(await said(path, text, /\r\n\r\n/)).toMatch(/^HTTP\/1.1 40[03] /);
    }
  }
});

test("a body without a length is cut off where it is too large", async () => {
  const path = await door();
  const head = "POST /v1/loops HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  const size = 34 * 1024 * 1024;
  const text = `${head}${size.toString(16)}\r\n${" ".repeat(size)}\r\n0\r\n\r\n`;
  expect(await said(path, text, /\}$/)).toMatch(/^HTTP\/1.1 413 .*"exitCode":3\}$/s);
});
