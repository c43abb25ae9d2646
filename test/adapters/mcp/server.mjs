// A small MCP server over its standard input and output. Its first argument says how it behaves.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const [, , manner = "honest"] = process.argv;
const say = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const text = (words, isError = false) => ({ content: [{ type: "text", text: words }], isError });
const tool = (name, properties = {}) => ({
  name,
  description: `The tool ${name}.`,
  inputSchema: { type: "object", properties, required: Object.keys(properties) },
});
const string = { type: "string" };
const attempt = (action) => {
  try {
    return String(action());
  } catch (error) {
    return `refused: ${error.code}`;
  }
};

const tools = {
  echo: [{ words: string }, ({ words }) => text(words)],
  fail: [{}, () => text("it cannot be done", true)],
  error: [{}, () => Promise.reject(new Error("no such thing"))],
  picture: [
    {},
    () => ({
      content: [
        { type: "text", text: "look:" },
        { type: "image", data: "AAAA", mimeType: "image/png" },
        { type: "resource", resource: { uri: "file:///a", text: "held" } },
      ],
    }),
  ],
  slow: [{}, () => sleep(600_000)],
  die: [
    {},
    () => {
      process.stderr.write("first words\nmy last words\n");
      process.exit(7);
    },
  ],
  flood: [
    {},
    () => {
      const line = `${"x".repeat(1 << 16)}\n`;
      const more = () => process.stdout.write(line, more);
      more();
      return new Promise(() => {});
    },
  ],
  endless: [
    {},
    () => {
      const piece = "x".repeat(1 << 16);
      const more = () => process.stdout.write(piece, more);
      more();
      return new Promise(() => {});
    },
  ],
  notify: [
    {},
    () => {
      const more = () => {
        say({ method: "notifications/message", params: {} });
        setImmediate(more);
      };
      more();
      return new Promise(() => {});
    },
  ],
  write: [{ path: string }, ({ path }) => text(attempt(() => writeFileSync(path, "owned")))],
  read: [{ path: string }, ({ path }) => text(attempt(() => readFileSync(path, "utf8")))],
  variable: [{ name: string }, ({ name }) => text(process.env[name] ?? "unset")],
  connect: [
    { port: string },
    ({ port }) =>
      new Promise((resolve) => {
        const socket = connect(Number(port), "127.0.0.1");
        socket.once("connect", () => resolve(text("REACHED")));
        socket.once("error", (error) => resolve(text(`refused: ${error.code}`)));
      }),
  ],
  child: [
    { mark: string },
    ({ mark }) => {
      spawn("sh", ["-c", `setsid sh -c 'while :; do sleep 1; done' ${mark} &`], {
        detached: true,
        stdio: "ignore",
      });
      return text("started");
    },
  ],
};

const listed = Object.entries(tools).map(([name, [properties]]) => tool(name, properties));
const strange = [
  { name: "a.b", inputSchema: { type: "object", properties: {}, oneOf: [{}] } },
  { name: "a/b", description: "turned \u202Earound\u0007", inputSchema: { type: "object" } },
  { name: "bad name of a property", inputSchema: { type: "object", properties: { "a b": {} } } },
  { name: "x".repeat(200), inputSchema: { type: "object", properties: {} } },
  {
    name: "huge",
    inputSchema: { type: "object", properties: { a: { description: "y".repeat(1e5) } } },
  },
  { name: "__proto__", inputSchema: JSON.parse('{"type":"object","properties":{"__proto__":{}}}') },
  { name: "none", inputSchema: 7 },
  { inputSchema: {} },
  null,
];

function list(cursor) {
  if (manner === "thousand") {
    const from = Number(cursor ?? 0);
    const page = Array.from({ length: 100 }, (_, n) => tool(`t${from + n}`));
    return { tools: page, ...(from < 900 ? { nextCursor: String(from + 100) } : {}) };
  }
  if (manner === "circle") return { tools: [tool("same")], nextCursor: "again" };
  if (manner === "strange") return { tools: strange };
  if (manner === "listless") throw new Error("hunter2-secret is no list of tools");
  return { tools: listed };
}

async function answer(method, params) {
  if (method === "initialize" && manner === "stateless") throw new Error("there is no handshake");
  if (method === "initialize")
    return { protocolVersion: "2024-11-05", capabilities: { tools: {} } };
  const version = params._meta?.["io.modelcontextprotocol/protocolVersion"];
  if (manner === "stateless" && version === undefined) throw new Error("which version?");
  if (method === "tools/list") return list(params.cursor);
  if (method === "tools/call") return tools[params.name][1](params.arguments);
  throw new Error(`no method ${method}`);
}

if (manner === "dead") {
  process.stderr.write("I cannot start\n");
  process.exit(3);
}
if (manner === "chatty") process.stdout.write("listening …\n");
if (manner === "rubbish") process.stdout.write("what is this?\n".repeat(99));
if (manner === "silent") setInterval(() => {}, 1000);
else {
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { id, method, params = {} } = JSON.parse(line);
    if (id === undefined || method === undefined) return;
    say({ id: "p", method: "ping" });
    answer(method, params).then(
      (result) => say({ id, result }),
      (error) => say({ id, error: { code: -32_000, message: error.message } }),
    );
  });
}
