import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { JournalEntry } from "./journal.ts";
import { ModelEndpoint } from "./model-endpoint.ts";
import { receive } from "./routes.ts";
import type { Scenario } from "./scenario.ts";
import { readScenario, trustScenario } from "./scenario-text.ts";
import type { Policy } from "./script.ts";

export interface MockLlmOptions {
  /** YAML or JSON text, or the value of it. Throws ScenarioInvalid when it is none. */
  readonly scenario?: Scenario | string;
  /** What to call the text in complaints. */
  readonly scenarioFile?: string;
  /** 0 and nothing pick a free one. */
  readonly port?: number;
  readonly host?: string;
  /** Overrides the scenario's own. */
  readonly seed?: number;
  /** Tried before the rules. */
  readonly policy?: Policy;
  readonly now?: () => number;
}

export interface MockLlm {
  readonly url: string;
  readonly port: number;
  journal(): readonly JournalEntry[];
  /** Cuts whatever is still streaming. */
  close(): Promise<void>;
}

/** Starts a model server that plays a scenario over the real wire protocols. */
export async function startMockLlm(options: MockLlmOptions = {}): Promise<MockLlm> {
  const { scenario: source = {}, host = "127.0.0.1", port: wanted = 0 } = options;
  const scenario =
    typeof source === "string"
      ? readScenario(source, options.scenarioFile ?? "scenario")
      : trustScenario(source);
  const endpoint = new ModelEndpoint(scenario, {
    seed: options.seed ?? scenario.seed ?? 1,
    policy: options.policy ?? (() => null),
    now: options.now ?? Date.now,
  });
  const server = createServer((request, response) => receive(endpoint, request, response));
  server.maxConnections = connectionsMax;
  server.listen({ port: wanted, host, backlog: backlogMax });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : wanted;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    journal: () => endpoint.journal.entries(),
    close: () => close(server),
  };
}

/** `td mock-llm`: serves until the signal aborts; the first line written is the URL. */
export async function runMockLlm({
  port,
  scenarioFile,
  write,
  signal,
}: {
  readonly port: number;
  readonly scenarioFile: string | null;
  readonly write: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const scenario =
    scenarioFile === null
      ? {}
      : { scenario: await readFile(scenarioFile, { encoding: "utf8", signal }), scenarioFile };
  const mock = await startMockLlm({ port, ...scenario });
  write(mock.url);
  if (!signal.aborted) await once(signal, "abort");
  await mock.close();
}

const connectionsMax = 16_384;
/** Who comes in a crowd is let in, not made to knock again a second later. */
const backlogMax = 4_096;

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
