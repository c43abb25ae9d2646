import {
  charactersPerToken,
  type Frame,
  pieceCharacters,
  type Refusal,
  stringsOf,
  type Wire,
  wires,
} from "./wire.ts";

/** The fixed point in time at which all answers are made: the clock would spoil the seed. */
export const createdAt = 1_767_225_600;

export function openaiError({ status, message, param, code }: Refusal): object {
  const type = status >= 500 ? "server_error" : (errorTypes.get(status) ?? "invalid_request_error");
  return {
    error: { message, type, param: param ?? null, code: code ?? codes.get(status) ?? null },
  };
}

const errorTypes: ReadonlyMap<number, string> = new Map([
  [403, "permission_error"],
  [429, "requests"],
]);

const codes: ReadonlyMap<number, string> = new Map([
  [401, "invalid_api_key"],
  [429, "rate_limit_exceeded"],
]);

/** The text of a content: a string, or the text parts of a list. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return wires(content)
    .flatMap((part) => stringsOf(part.text))
    .join("\n");
}

/** Arguments come as JSON in a string; what is no JSON stays a string. */
export function parseArguments(text: unknown): unknown {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

export function openaiFrame(
  event: string | null,
  value: object | string,
  { tokens = 0, closing = false }: { tokens?: number; closing?: boolean } = {},
): Frame {
  return {
    event,
    data: typeof value === "string" ? value : JSON.stringify(value),
    tokens: tokens * (pieceCharacters / charactersPerToken),
    closing,
  };
}

/** A model and what it should answer to, or a refusal. */
export function refuseMissing(body: Wire, field: "messages" | "input"): Refusal | null {
  if (typeof body.model !== "string" || body.model === "") {
    return { status: 400, message: "you must provide a model parameter", param: "model" };
  }
  const value = body[field];
  if (value === undefined || value === null) {
    const message = `Missing required parameter: '${field}'.`;
    return { status: 400, message, param: field, code: "missing_required_parameter" };
  }
  const isText = field === "input" && typeof value === "string";
  if (!isText && !Array.isArray(value)) return badInput(field, "expected an array");
  const isEmpty = Array.isArray(value) ? value.length === 0 : value === "";
  if (isEmpty) return badInput(field, "expected at least one entry");
  const limits = [body.max_tokens, body.max_completion_tokens, body.max_output_tokens];
  const isWrong = (limit: unknown) =>
    limit !== undefined && limit !== null && !(Number.isInteger(limit) && Number(limit) >= 1);
  return limits.some(isWrong) ? badInput("max_tokens", "expected an integer above 0") : null;
}

export function badInput(param: string, why: string): Refusal {
  return { status: 400, message: `Invalid '${param}': ${why}.`, param, code: "invalid_value" };
}

export const keepAlive = ": keep-alive\n\n";
