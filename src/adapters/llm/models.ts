import { readFileSync } from "node:fs";
import type { Millis } from "../../core/loop.ts";
import {
  type LlmClient,
  type Model,
  type Models,
  ModelUnavailable,
  type Price,
} from "../../ports/llm.ts";
import { AnthropicClient } from "./anthropic.ts";
import type { Endpoint } from "./endpoint.ts";
import { OpenAiCompatibleClient } from "./openai-compatible.ts";
import { listPrice } from "./prices.ts";
import { createTransport } from "./transport.ts";

/** `llm.providers.<name>` of the configuration. */
interface ProviderSettings {
  readonly kind?: "anthropic" | "openai" | undefined;
  /** The environment variable that holds the key. */
  readonly apiKeyEnv?: string | undefined;
  /** A file that holds nothing but the key; read again whenever a model is resolved. */
  readonly apiKeyFile?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** Of one reply, in place of what is known of the model. */
  readonly outputTokensMax?: number | undefined;
}

export interface ModelsOptions {
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  /** By `provider/model`; before the price list. */
  readonly prices: Readonly<Record<string, Price>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whose environment `env` is: a daemon's does not change while it runs. */
  readonly isDaemons: boolean;
  readonly stallTimeoutMs: number;
  readonly now: () => Millis;
}

export interface ConfiguredModels extends Models {
  /** The keys of all providers that have one, for the redactor. */
  secrets(): readonly string[];
}

interface Provider {
  readonly name: string;
  readonly kind: "anthropic" | "openai";
  readonly baseUrl: string;
  readonly apiKeyEnv: string | null;
  readonly apiKeyFile: string | null;
  readonly outputTokensMax: number | null;
}

const builtIn: Readonly<Record<string, ProviderSettings & { readonly baseUrlEnv?: string }>> = {
  anthropic: {
    kind: "anthropic",
    apiKeyEnv: "ANTHROPIC_API_KEY",
    baseUrlEnv: "ANTHROPIC_BASE_URL",
    baseUrl: "https://api.anthropic.com",
  },
  openai: {
    kind: "openai",
    apiKeyEnv: "OPENAI_API_KEY",
    baseUrlEnv: "OPENAI_BASE_URL",
    baseUrl: "https://api.openai.com/v1",
  },
  ollama: { kind: "openai", baseUrl: "http://127.0.0.1:11434/v1" },
};

/** The most that a model may write in one reply; the first pattern that fits. */
const outputLimits: readonly (readonly [RegExp, number])[] = [
  [/^anthropic\/claude-3-(opus|sonnet|haiku)/, 4096],
  [/^anthropic\/claude-3-5-/, 8192],
  [/^openai\/(gpt-3\.5|gpt-4-turbo)/, 4096],
  [/^openai\/gpt-4o/, 16_384],
  [/^openai\/gpt-4(-\d+)?$/, 8192],
  [/^(anthropic|openai)\//, 32_000],
  [/./, 16_000],
];

/** Finds models by name; all models of a provider share one client, and all clients one transport. */
export function createModels(options: ModelsOptions): ConfiguredModels {
  const clients = new Map<string, { apiKey: string | null; client: LlmClient }>();
  const secrets = new Set<string>();
  const fetch = createTransport();

  const clientOf = (provider: Provider): LlmClient => {
    const apiKey = keyOf(provider, options);
    const known = clients.get(provider.name);
    // A person who was told to mend a key mends it while we run.
    if (known && known.apiKey === apiKey) return known.client;
    if (apiKey !== null) secrets.add(apiKey);
    const { name, baseUrl } = provider;
    const { stallTimeoutMs, now } = options;
    const client = openClient(
      { provider: name, baseUrl, apiKey, stallTimeoutMs, fetch, now },
      provider,
    );
    clients.set(name, { apiKey, client });
    return client;
  };

  return {
    resolve(name: string): Model {
      const parsed = /^([\w-]+)\/(\S+)$/.exec(name);
      const [, providerName, model] = parsed ?? [];
      if (providerName === undefined || model === undefined) {
        throw new ModelUnavailable(
          `"${name}" names no model: write provider/model, for example anthropic/claude-sonnet-5-5.`,
        );
      }
      const provider = providerOf(providerName, options);
      return {
        provider: providerName,
        name: model,
        client: clientOf(provider),
        price: options.prices[name] ?? listPrice(providerName, model, options.now()),
        outputTokensMax: provider.outputTokensMax ?? outputLimitOf(name),
      };
    },

    secrets() {
      for (const name of new Set([...Object.keys(builtIn), ...Object.keys(options.providers)])) {
        const key = keyIfAny(name, options);
        if (key !== null) secrets.add(key);
      }
      return [...secrets];
    },
  };
}

function providerOf(name: string, options: ModelsOptions): Provider {
  const preset = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  const settings = Object.hasOwn(options.providers, name) ? options.providers[name] : undefined;
  const fromEnv = preset?.baseUrlEnv === undefined ? undefined : options.env[preset.baseUrlEnv];
  const baseUrl = settings?.baseUrl ?? (fromEnv || preset?.baseUrl);
  if (baseUrl === undefined) {
    throw new ModelUnavailable(
      settings === undefined
        ? `There is no provider "${name}": use one of ${knownNames(options)}, or give llm.providers.${name}.base-url.`
        : `The provider "${name}" has no address: give llm.providers.${name}.base-url.`,
    );
  }
  return {
    name,
    kind: settings?.kind ?? preset?.kind ?? "openai",
    baseUrl: checkedUrl(name, baseUrl),
    apiKeyEnv: settings?.apiKeyEnv ?? preset?.apiKeyEnv ?? null,
    apiKeyFile: settings?.apiKeyFile ?? null,
    outputTokensMax: settings?.outputTokensMax ?? null,
  };
}

function knownNames(options: ModelsOptions): string {
  return [...new Set([...Object.keys(builtIn), ...Object.keys(options.providers)])].join(", ");
}

function checkedUrl(name: string, baseUrl: string): string {
  const url = URL.parse(baseUrl);
  const setting = `llm.providers.${name}.base-url`;
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new ModelUnavailable(
      `The base URL of ${name}, "${baseUrl}", is not an http or https address: correct ${setting}.`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ModelUnavailable(
      `The base URL of ${name} has a user or password in it: correct ${setting} and give a key.`,
    );
  }
  return baseUrl.replace(/\/+$/, "");
}

/** Null for a provider that wants no key. The file goes before the variable. */
function keyOf(provider: Provider, { env, isDaemons }: ModelsOptions): string | null {
  const { name, apiKeyEnv, apiKeyFile } = provider;
  const setting = `llm.providers.${name}.api-key-file`;
  const wanted = apiKeyEnv ?? "its api-key-env";
  const key = (apiKeyFile === null ? env[apiKeyEnv ?? ""] : readKey(apiKeyFile, setting))?.trim();
  if (key !== undefined && key !== "") {
    if (/^[\x21-\x7e]+$/.test(key)) return key;
    throw new ModelUnavailable(
      `The API key of ${name} has characters that no key has: correct ${apiKeyFile ?? wanted}.`,
    );
  }
  if (apiKeyFile !== null) throw new ModelUnavailable(`${apiKeyFile} is empty: put the key in it.`);
  if (apiKeyEnv === null && provider.kind === "openai") return null;
  const how = isDaemons ? `restart the daemon with ${wanted} set (td restart)` : `set ${wanted}`;
  throw new ModelUnavailable(`No API key for ${name}: ${how}, or give ${setting}.`);
}

function readKey(file: string, setting: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ModelUnavailable(`Cannot read the API key in ${file}: correct ${setting}.`, {
      cause,
    });
  }
}

function keyIfAny(name: string, options: ModelsOptions): string | null {
  try {
    return keyOf(providerOf(name, options), options);
  } catch (error) {
    if (error instanceof ModelUnavailable) return null;
    throw error;
  }
}

function openClient(endpoint: Endpoint, { kind }: Provider): LlmClient {
  const { apiKey } = endpoint;
  return kind === "anthropic" && apiKey !== null
    ? new AnthropicClient({ ...endpoint, apiKey })
    : new OpenAiCompatibleClient(endpoint);
}

function outputLimitOf(name: string): number {
  const [, limit = 16_000] = outputLimits.find(([pattern]) => pattern.test(name)) ?? [];
  return limit;
}
