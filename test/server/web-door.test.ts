import { Buffer } from "node:buffer";
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openWebDoor, type WebDoor } from "../../src/server/web-door.ts";

const token = "t".repeat(43);
const html = {
  type: "text/html; charset=utf-8",
  body: Buffer.from("<p>page</p>"),
  isHashed: false,
};
const script = { type: "text/javascript", body: Buffer.from("1"), isHashed: true };
const assets = new Map([
  ["/index.html", html],
  ["/assets/x.js", script],
]);

let door: WebDoor | null = null;
let upgrades = 0;

afterEach(async () => {
  await door?.close();
  door = null;
  upgrades = 0;
});

async function open(): Promise<number> {
  door = await openWebDoor({
    port: 0,
    token,
    assets,
    serving: {
      answer: ({ url }, response) => {
        response.writeHead(200);
        response.end(`behind ${url}`);
      },
      upgrade: (_request, socket) => {
        upgrades += 1;
        socket.end("HTTP/1.1 400 Seen\r\n\r\n");
      },
    },
  });
  return door.port;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function ask(
  port: number,
  path: string,
  headers: OutgoingHttpHeaders = {},
  method = "GET",
  body = "",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
    asking.on("error", reject);
    asking.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    asking.end(body);
  });
}

async function cookieOf(port: number): Promise<string> {
  const { headers, status } = await ask(port, "/login", {}, "POST", JSON.stringify({ token }));
  expect(status).toBe(204);
  return headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
}

test("gives the page to everybody of this machine, and nothing else without the token", async () => {
  const port = await open();
  for (const path of ["/", "/loops", "/loop/7", "/loop/7.2.1"]) {
    expect(await ask(port, path)).toMatchObject({ status: 200, text: "<p>page</p>" });
  }
  expect((await ask(port, "/assets/x.js")).headers["cache-control"]).toContain("immutable");
  for (const path of ["/v1/ping", "/v1/loops", "/v1/openapi.json", "/metrics", "/v1/nothing"]) {
    const answer = await ask(port, path);
    expect(answer.status).toBe(401);
    expect(answer.text).toContain("td dashboard");
  }
  for (const path of ["/../package.json", "/assets/../../package.json", "/%2e%2e/x.js", "/.env"]) {
    expect((await ask(port, path)).text).not.toContain("taskdaemon");
  }
});

test("the token is exchanged for a cookie that only this site's pages send", async () => {
  const port = await open();
  const login = await ask(port, "/login", {}, "POST", JSON.stringify({ token }));
  expect(login.headers["set-cookie"]?.[0]).toMatch(
    /^taskdaemon-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
  );
  expect(login.headers["set-cookie"]?.[0]).not.toContain(token);
  const cookie = await cookieOf(port);
  expect(await ask(port, "/v1/ping", { cookie })).toMatchObject({ text: "behind /v1/ping" });
  const several = { cookie: `other=1; ${cookie}; last=2` };
  expect((await ask(port, "/v1/ping", several)).status).toBe(200);
  expect((await ask(port, "/v1/ping", { cookie: `${cookie}x` })).status).toBe(401);
  expect((await ask(port, "/v1/ping", { cookie: `x${cookie}` })).status).toBe(401);
});

test("a wrong token, and what is none, are no login", async () => {
  const port = await open();
  const bodies = ["", "{", "null", '{"token":1}', `{"token":"${"u".repeat(43)}"}`, `{"token":""}`];
  for (const body of bodies) {
    const { status, headers } = await ask(port, "/login", {}, "POST", body);
    expect(status).toBe(401);
    expect(headers["set-cookie"]).toBeUndefined();
  }
  await expect(ask(port, "/login", {}, "POST", "x".repeat(100_000))).rejects.toThrow();
  expect((await ask(port, "/v1/ping")).status).toBe(401);
});

test("programs sign in with the token itself", async () => {
  const port = await open();
  const right = { authorization: `Bearer ${token}` };
  expect(await ask(port, "/metrics", right)).toMatchObject({
    status: 200,
    text: "behind /metrics",
  });
  for (const authorization of [`Bearer ${token}x`, "Bearer ", `Basic ${token}`, token]) {
    expect((await ask(port, "/metrics", { authorization })).status).toBe(401);
  }
});

test("another site's name for this machine is refused, even with the cookie", async () => {
  const port = await open();
  const cookie = await cookieOf(port);
  for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", "127.0.0.1:1"]) {
    expect((await ask(port, "/v1/ping", { host, cookie })).status).toBe(403);
    expect((await ask(port, "/", { host })).status).toBe(403);
  }
  expect((await ask(port, "/v1/ping", { host: `localhost:${port}`, cookie })).status).toBe(200);
});

test("pages of other origins are refused, even with the cookie", async () => {
  const port = await open();
  const cookie = await cookieOf(port);
  const others = [
    "http://evil.example",
    "null",
    `http://127.0.0.1:${port + 1}`,
    "http://127.0.0.1",
  ];
  for (const origin of others) {
    expect((await ask(port, "/v1/loops", { origin, cookie }, "POST", "[]")).status).toBe(403);
    expect((await ask(port, "/v1/loops", { origin, cookie })).status).toBe(403);
    expect((await ask(port, "/login", { origin }, "POST", JSON.stringify({ token }))).status).toBe(
      403,
    );
  }
  const crossSite = { "sec-fetch-site": "cross-site", cookie };
  expect((await ask(port, "/v1/loops", crossSite, "POST", "[]")).status).toBe(403);
  const origin = `http://127.0.0.1:${port}`;
  expect((await ask(port, "/v1/loops", { origin, cookie }, "POST", "[]")).status).toBe(200);
});

/** The first line of the answer to an upgrade. */
function upgrade(port: number, headers: OutgoingHttpHeaders): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers });
      const head = lines.map(([name, value]) => `${name}: ${value}`).join("\r\n");
      socket.write(
        `GET /v1/board HTTP/1.1\r\n${head}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
    });
    socket.once("data", (data) => {
      resolve(String(data).split("\r\n", 1)[0] ?? "");
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("a feed opens for our own page with the cookie, and for nobody else", async () => {
  const port = await open();
  const cookie = await cookieOf(port);
  const origin = `http://127.0.0.1:${port}`;
  expect(await upgrade(port, { Origin: origin })).toContain("401");
  expect(await upgrade(port, { Origin: "http://evil.example", Cookie: cookie })).toContain("403");
  expect(await upgrade(port, { Host: "evil.example", Cookie: cookie })).toContain("403");
  expect(upgrades).toBe(0);
  expect(await upgrade(port, { Origin: origin, Cookie: cookie })).toContain("400 Seen");
  expect(upgrades).toBe(1);
});

test("every answer forbids inline scripts, frames and guesses of its type", async () => {
  const port = await open();
  for (const path of ["/", "/v1/ping", "/nothing.js"]) {
    const { headers } = await ask(port, path);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe");
    expect(headers["x-frame-options"]).toBe("DENY");
    expect(headers["x-content-type-options"]).toBe("nosniff");
  }
});

test("listens on this machine only", async () => {
  const port = await open();
  const reached = await new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: "127.0.0.2" }, () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
  expect(reached).toBe(false);
});
