import { describe, expect, test } from "vitest";
import { HttpFetcher, type Resolve, textOfHtml } from "../../src/adapters/fetcher.ts";
import { ToolRefusal } from "../../src/ports.ts";
import { type Answer, closedPort, serve } from "./llm/server.ts";

const never = new AbortController().signal;
const to =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

/** What fetching from a server of this machine, which is allowed by name and port, comes to. */
async function fetched(answer: Answer, path = "/"): Promise<string> {
  const url = await serve(answer);
  return new HttpFetcher().fetch(`${url}${path}`, [new URL(url).host], never);
}

async function refusal(outcome: Promise<unknown>): Promise<string> {
  const error = await outcome.then(
    (text) => new Error(`no refusal: ${String(text)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ToolRefusal)) throw error;
  return error.message;
}

describe("a host", () => {
  test.for([
    ["https://example.com/", ["example.org"]],
    ["https://example.org.evil.com/", ["example.org", "*.example.org"]],
    ["https://evilexample.org/", ["*.example.org"]],
    ["https://example.org/", ["*.example.org"]],
    ["https://example.org/", []],
    ["http://127.0.0.1:81/", ["127.0.0.1:80"]],
  ] as const)("that the list does not have is refused: %s", async ([url, allow]) => {
    const fetcher = new HttpFetcher(to("93.184.215.14"));
    expect(await refusal(fetcher.fetch(url, allow, never))).toContain("is not allowed");
  });

  test.for(["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "93.184.215.14", "[2606:4700::1]"])(
    "that is an address is refused: %s",
    async (host) => {
      const allow = [host, "127.0.0.1", "[::1]"];
      const outcome = new HttpFetcher(to()).fetch(`http://${host}/`, allow, never);
      expect(await refusal(outcome)).toMatch(/is an address/);
    },
  );

  test.for([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.0.1",
    "192.168.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "ff02::1",
  ])("that leads to %s is refused, even if its other addresses are public", async (address) => {
    const fetcher = new HttpFetcher(to("93.184.215.14", address));
    const outcome = fetcher.fetch("http://example.org/", ["example.org"], never);
    expect(await refusal(outcome)).toContain("private network");
  });

  test("is connected to at the address that was checked, asked for once", async () => {
    const url = await serve((response, incoming) => response.end(`${incoming.headers.host}`));
    const { port } = new URL(url);
    const addresses = [["127.0.0.1"], ["203.0.113.1"]];
    const asked: string[] = [];
    const resolve: Resolve = (host) => {
      asked.push(host);
      return to(...(addresses.shift() ?? []))(host);
    };
    const host = `rebinding.example:${port}`;
    const text = await new HttpFetcher(resolve).fetch(`http://${host}/`, [host], never);
    expect([text, asked]).toEqual([host, ["rebinding.example"]]);
  });

  test("that does not exist or does not answer is refused", async () => {
    const nobody: Resolve = () => Promise.reject(new Error("ENOTFOUND"));
    const unknown = new HttpFetcher(nobody).fetch("https://no.example/", ["no.example"], never);
    expect(await refusal(unknown)).toContain("There is no host no.example");
    const host = `127.0.0.1:${await closedPort()}`;
    const closed = new HttpFetcher().fetch(`http://${host}/`, [host], never);
    expect(await refusal(closed)).toContain("cannot be reached");
  });
});

test.for<[string, string]>([
  ["ftp://example.org/", "use https"],
  ["file:///etc/passwd", "use https"],
  ["https://me:secret@example.org/", "user or password"],
  ["example.org", "is no URL"],
])("%s is refused", async ([url, why]) => {
  const message = await refusal(new HttpFetcher(to()).fetch(url, ["example.org"], never));
  expect(message).toContain(why);
  expect(message).not.toContain("secret");
});

describe("a redirect", () => {
  test("is followed, five times at most", async () => {
    const hops: Answer = (response, incoming) => {
      const left = Number(incoming.url?.slice(1));
      if (left === 0) response.end("there");
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    };
    expect(await fetched(hops, "/5")).toBe("there");
    expect(await refusal(fetched(hops, "/6"))).toContain("more than 5 times");
  });

  test.for(["http://127.0.0.1:1/", "http://example.com/", "file:///etc/passwd", "//10.0.0.1/"])(
    "to %s is checked like any other URL",
    async (location) => {
      const away = fetched((response) => response.writeHead(307, { location }).end());
      expect(await refusal(away)).toMatch(/not allowed|use https/);
    },
  );
});

describe("an answer", () => {
  const typed =
    (type: string, body: string | Uint8Array): Answer =>
    (response) =>
      response.writeHead(200, { "content-type": type }).end(body);

  test("of a page comes as plain text", async () => {
    const page = "<head><title>T</title></head><h1>Hi &amp; bye</h1><p>One\n<b>two</b>";
    expect(await fetched(typed("text/html", page))).toBe("Hi & bye\nOne two");
  });

  test("of text comes as it is, in its charset", async () => {
    expect(await fetched(typed("application/json", '{"a":"<b>"}'))).toBe('{"a":"<b>"}');
    const latin = new Uint8Array([0xfc]);
    expect(await fetched(typed("text/plain; charset=iso-8859-1", latin))).toBe("ü");
    expect(await fetched(typed("text/plain; charset=martian", "a"))).toBe("a");
  });

  test.for(["image/png", "application/octet-stream", "application/pdf"])(
    "of %s is refused",
    async (type) => {
      expect(await refusal(fetched(typed(type, "a")))).toContain("not text");
    },
  );

  test("that is binary or compressed is refused, whatever it calls itself", async () => {
    expect(await refusal(fetched(typed("text/plain", "a\0b")))).toContain("binary");
    const zipped = fetched((response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
    );
    expect(await refusal(zipped)).toContain("compressed");
  });

  test("is cut at a megabyte, however long it goes on", async () => {
    const text = await fetched((response) => {
      const more = () => {
        while (!response.destroyed && response.write("a".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    });
    expect(text.length).toBeLessThan(1_000_200);
    expect(text).toMatch(/a\n\[cut: http.* is longer than 1000000 bytes\]$/);
  });

  test("with an error status is refused with it", async () => {
    const missing = fetched((response) => response.writeHead(404).end("no"));
    expect(await refusal(missing)).toContain("answered 404 Not Found.");
  });

  test("that never comes ends with an abort", async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort());
    const outcome = new HttpFetcher().fetch(url, [new URL(url).host], controller.signal);
    expect(await refusal(outcome)).toContain("was aborted");
    const late = new HttpFetcher().fetch(url, [new URL(url).host], AbortSignal.abort());
    expect(await refusal(late)).toContain("was aborted");
  });
});

describe("textOfHtml", () => {
  test.for<[string, string]>([
    ["a<br>b<!-- <p> -->c", "a\nb\nc"],
    ["<SCRIPT>if (a<b) x()</SCRIPT >after<style>p{}</style>", "after"],
    ["1 < 2 and <i>3</i> &lt;4&gt; &#65;&#x42;&eacute;&#0;", "1 < 2 and 3 <4> AB&eacute;&#0;"],
    ["<script>never ends", ""],
    ["<p", ""],
    ["İ<script>x</script>y", "İ\ny"],
  ])("%s", ([html, text]) => {
    expect(textOfHtml(html)).toBe(text);
  });

  test.for(["<", "<script>", "<!--", "<p ", "&", "&#", " \n", "<a><", "<b> ", "<p> "])(
    "a megabyte of %j takes no longer than it should",
    (piece) => {
      const startedAt = performance.now();
      textOfHtml(piece.repeat(1_000_000 / piece.length));
      expect(performance.now() - startedAt).toBeLessThan(3000);
    },
  );
});
