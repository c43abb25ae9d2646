import { isWire, type Refusal, type RequestHeaders, type Wire, wires } from "./wire.ts";

const versions: readonly string[] = ["2023-06-01", "2026-10-21"];
const cacheControlsMax = 4;

/** What the Messages API would refuse, in its order and nearly its words; null when it is well. */
export function refuseAnthropic(body: Wire, headers: RequestHeaders): Refusal | null {
  for (const rule of rules) {
    const complaint = rule(body, headers);
    if (complaint !== null) return { status: 400, message: complaint };
  }
  return null;
}

type RequestRule = (body: Wire, headers: RequestHeaders) => string | null;

const rules: readonly RequestRule[] = [
  versionIsKnown,
  fieldsAreKnown,
  fieldsAreThere,
  versionHolds,
  messagesHaveRoles,
  contentIsThere,
  toolsAreDefined,
  cacheControlsAreFew,
  toolUsesHaveResults,
  toolResultsHaveUses,
];

function versionIsKnown(_body: Wire, { version }: RequestHeaders): string | null {
  if (version === null) return "anthropic-version: header is required";
  return versions.includes(version)
    ? null
    : `anthropic-version: "${version}" is not a valid version`;
}

const fields: ReadonlySet<string> = new Set([
  "cache_control",
  "container",
  "diagnostics",
  "inference_geo",
  "max_tokens",
  "messages",
  "metadata",
  "model",
  "output_config",
  "service_tier",
  "speed",
  "stop_sequences",
  "stream",
  "system",
  "temperature",
  "thinking",
  "tool_choice",
  "tools",
  "top_k",
  "top_p",
  "user_profile_id",
  "workspace_id",
]);

/** A beta may bring any field, so only requests without one are held to the list. */
function fieldsAreKnown(body: Wire, { betas }: RequestHeaders): string | null {
  if (betas !== null) return null;
  const unknown = Object.keys(body).find((field) => !fields.has(field));
  return unknown === undefined ? null : `${unknown}: Extra inputs are not permitted`;
}

function fieldsAreThere(body: Wire): string | null {
  if (body.model === undefined) return "model: Field required";
  if (typeof body.model !== "string") return "model: Input should be a valid string";
  if (body.model === "") return "model: String should have at least 1 character";
  if (body.max_tokens === undefined) return "max_tokens: Field required";
  if (!Number.isInteger(body.max_tokens)) return "max_tokens: Input should be a valid integer";
  if (Number(body.max_tokens) < 1) return "max_tokens: Input should be greater than or equal to 1";
  if (body.messages === undefined) return "messages: Field required";
  if (!Array.isArray(body.messages)) return "messages: Input should be a valid list";
  if (body.messages.length === 0) return "messages: at least one message is required";
  if (isWire(body.thinking) && Number(body.thinking.budget_tokens) >= Number(body.max_tokens)) {
    return "`max_tokens` must be greater than `thinking.budget_tokens`";
  }
  return null;
}

/** What 2026-10-21 took away. */
function versionHolds(body: Wire, { version }: RequestHeaders): string | null {
  if (version === "2023-06-01") return null;
  const removed = (["temperature", "top_p", "top_k"] as const).find((key) => key in body);
  if (removed !== undefined) {
    return `${removed}: Extra inputs are not permitted in anthropic-version 2026-10-21`;
  }
  for (const [index, message] of wires(body.messages).entries()) {
    for (const [at, block] of wires(message.content).entries()) {
      const place = `messages.${index}.content.${at}`;
      if (message.role === "assistant" && block.type === "document") {
        return `${place}: document blocks are not permitted in assistant messages`;
      }
      const cited = Array.isArray(block.citations) && block.citations.length > 0;
      if (message.role === "user" && block.type === "text" && cited) {
        return `${place}.citations: citations are not permitted in user messages`;
      }
    }
  }
  return null;
}

function messagesHaveRoles(body: Wire): string | null {
  const messages = Array.isArray(body.messages) ? body.messages : [];
  for (const [index, message] of messages.entries()) {
    if (!isWire(message)) return `messages.${index}: Input should be a valid dictionary`;
    if (!["user", "assistant", "system"].includes(String(message.role))) {
      return `messages.${index}.role: Input should be 'user', 'assistant' or 'system'`;
    }
    if (typeof message.content !== "string" && !Array.isArray(message.content)) {
      return `messages.${index}.content: Field required`;
    }
  }
  const first = wires(messages).find(({ role }) => role !== "system");
  return first?.role === "user" ? null : 'messages: first message must use the "user" role';
}

function contentIsThere(body: Wire): string | null {
  const messages = wires(body.messages);
  for (const [index, { content }] of messages.entries()) {
    const isLastAnswer = index === messages.length - 1 && messages[index]?.role === "assistant";
    const isEmpty = Array.isArray(content) ? content.length === 0 : !content;
    if (isEmpty && !isLastAnswer) {
      return `messages.${index}: all messages must have non-empty content except for the optional final assistant message`;
    }
    const complaint = (isLastAnswer ? endIsTrimmed(content) : null) ?? textIsThere(content);
    if (complaint !== null) return complaint;
  }
  return wires(body.system).some(isEmptyText)
    ? "system: text content blocks must be non-empty"
    : null;
}

function textIsThere(content: unknown): string | null {
  const blocks = wires(content);
  const results = blocks.filter(({ type }) => type === "tool_result");
  const inner = results.flatMap((result) => wires(result.content));
  if ([...blocks, ...inner].some(isEmptyText)) {
    return "messages: text content blocks must be non-empty";
  }
  return blocks.some(isBlankText)
    ? "messages: text content blocks must contain non-whitespace text"
    : null;
}

function endIsTrimmed(content: unknown): string | null {
  const end = wires(content).at(-1)?.text ?? content;
  return typeof end === "string" && /\s$/.test(end)
    ? "messages: final assistant content cannot end with trailing whitespace"
    : null;
}

const isEmptyText = (block: Wire) => block.type === "text" && block.text === "";
const isBlankText = ({ type, text }: Wire) =>
  type === "text" && typeof text === "string" && text.trim() === "";

function toolsAreDefined(body: Wire): string | null {
  const seen = new Set<unknown>();
  for (const [index, tool] of wires(body.tools).entries()) {
    if (seen.has(tool.name)) return "tools: Tool names must be unique.";
    if (typeof tool.name === "string") seen.add(tool.name);
    const isCustom = (tool.type ?? "custom") === "custom";
    const complaint = isCustom ? toolIsDefined(tool, `tools.${index}.custom`) : null;
    if (complaint !== null) return complaint;
  }
  return null;
}

function toolIsDefined({ name, input_schema: schema }: Wire, place: string): string | null {
  if (typeof name !== "string") return `${place}.name: Field required`;
  if (!/^[a-zA-Z0-9_-]{1,128}$/.test(name)) {
    return `${place}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
  }
  if (!isWire(schema)) return `${place}.input_schema: Field required`;
  return schema.type === "object" ? null : `${place}.input_schema.type: Input should be 'object'`;
}

function cacheControlsAreFew(body: Wire): string | null {
  const blocks = wires(body.messages).flatMap((message) => wires(message.content));
  const inner = blocks.flatMap((block) => wires(block.content));
  const all = [body, ...wires(body.system), ...wires(body.tools), ...blocks, ...inner];
  const marked = all.filter((part) => isWire(part.cache_control)).length;
  if (marked <= cacheControlsMax) return null;
  return `A maximum of ${cacheControlsMax} blocks with cache_control may be provided. Found ${marked}.`;
}

function toolUsesHaveResults(body: Wire): string | null {
  const messages = turnsOf(body);
  const seen = new Set<unknown>();
  for (const [at, { index, role, blocks }] of messages.entries()) {
    const uses = role === "assistant" ? ids(blocks, "tool_use") : [];
    if (uses.some((id) => seen.has(id)) || new Set(uses).size < uses.length) {
      return "messages: `tool_use` ids must be unique";
    }
    for (const id of uses) seen.add(id);
    const answered = new Set(ids(messages[at + 1]?.blocks ?? [], "tool_result"));
    const missing = uses.filter((id) => !answered.has(id));
    if (missing.length > 0) {
      return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
    }
  }
  return null;
}

function toolResultsHaveUses(body: Wire): string | null {
  const messages = turnsOf(body);
  for (const [at, { index, blocks }] of messages.entries()) {
    const before = messages[at - 1];
    const asked = new Set(before?.role === "assistant" ? ids(before.blocks, "tool_use") : []);
    const results = ids(blocks, "tool_result");
    const stray = results.find((id) => !asked.has(id));
    if (stray !== undefined) {
      const place = `messages.${index}.content.${blocks.findIndex((b) => b.tool_use_id === stray)}`;
      return `${place}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    }
    if (new Set(results).size < results.length) {
      return `messages.${index}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with the same id.`;
    }
  }
  return null;
}

interface Turn {
  /** Of its first message. */
  readonly index: number;
  readonly role: unknown;
  readonly blocks: readonly Wire[];
}

/** Neighbours of one role count as one turn, as they do for the real API. */
function turnsOf(body: Wire): readonly Turn[] {
  const turns: Turn[] = [];
  for (const [index, { role, content }] of wires(body.messages).entries()) {
    const last = turns.at(-1);
    if (role === "system") continue;
    const blocks = wires(content);
    if (last !== undefined && last.role === role) {
      turns[turns.length - 1] = { ...last, blocks: [...last.blocks, ...blocks] };
    } else {
      turns.push({ index, role, blocks });
    }
  }
  return turns;
}

function ids(blocks: readonly Wire[], type: "tool_use" | "tool_result"): readonly string[] {
  return blocks
    .filter((block) => block.type === type)
    .map((block) => String(type === "tool_use" ? block.id : block.tool_use_id));
}
