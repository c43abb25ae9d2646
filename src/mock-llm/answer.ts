import type { Dice } from "./dice.ts";
import type { Reply, StopReason } from "./scenario.ts";
import {
  type Answer,
  charactersPerToken,
  type NormalRequest,
  type Usage,
  type Wire,
} from "./wire.ts";

/** Decides what a reply leaves open: the usage, the reason to stop, the cut at the token limit. */
export function answerOf(
  reply: Reply,
  {
    n,
    request,
    body,
    outputTokensMax,
    dice,
  }: {
    readonly n: number;
    readonly request: NormalRequest;
    readonly body: Wire;
    readonly outputTokensMax: number | null;
    readonly dice: Dice;
  },
): Answer {
  const limit = (outputTokensMax ?? Number.POSITIVE_INFINITY) * charactersPerToken;
  const isCut = reply.text !== undefined && reply.text.length > limit;
  const text = isCut ? (reply.text?.slice(0, limit) ?? "") : (reply.text ?? null);
  const tools = isCut ? [] : (reply.tools ?? []);
  const thinking = reply.thinking ?? null;
  const said = [thinking, text, ...tools.map((tool) => JSON.stringify(tool.input))];
  return {
    n,
    model: request.model,
    body,
    thinking,
    text: text?.toWellFormed() ?? null,
    tools,
    stopReason: reply["stop-reason"] ?? stopReason(isCut, tools.length),
    usage: usageOf(reply, inputTokens(request, body), said),
    dice,
  };
}

/** An estimate, the same wherever tokens of a request are told. */
export function inputTokens(request: NormalRequest, body: Wire): number {
  const tools = body.tools === undefined ? 0 : JSON.stringify(body.tools).length;
  return Math.max(1, Math.ceil((request.text.length + tools) / charactersPerToken));
}

function stopReason(isCut: boolean, tools: number): StopReason {
  if (isCut) return "max_tokens";
  return tools > 0 ? "tool_use" : "end_turn";
}

function usageOf(reply: Reply, input: number, said: readonly (string | null)[]): Usage {
  const given = reply.usage ?? {};
  const tokens = (text: string | null) => Math.ceil((text?.length ?? 0) / charactersPerToken);
  const output = said.reduce((sum, text) => sum + tokens(text), 0);
  const longLived = given.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const written =
    given.cache_creation_input_tokens ??
    (given.cache_creation?.ephemeral_5m_input_tokens ?? 0) + longLived;
  return {
    input: given.input_tokens ?? input,
    output: given.output_tokens ?? Math.max(1, output),
    cacheRead: given.cache_read_input_tokens ?? 0,
    cacheWrite5m: Math.max(0, written - longLived),
    cacheWrite1h: longLived,
    thinking: given.thinking_tokens ?? tokens(reply.thinking ?? null),
  };
}
