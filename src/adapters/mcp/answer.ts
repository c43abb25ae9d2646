import type { ServerAnswer } from "../../ports/tool-servers.ts";
import { clean, isObject } from "./specs.ts";

const partsMax = 1_000;
const textCharsMax = 1024 * 1024;
const wordCharsMax = 200;

/** What a model is told of a tool's result: its texts; what is no text is named as left out. */
export function answerOf(result: unknown): ServerAnswer {
  if (!isObject(result)) return { text: "the server's answer is no result", isError: true };
  const { content, structuredContent, isError } = result as Readonly<Record<string, unknown>>;
  const parts = Array.isArray(content) ? content : [];
  const texts = parts.slice(0, partsMax).map(textOf);
  if (parts.length > partsMax) texts.push(`[${parts.length - partsMax} more parts left out]`);
  if (parts.length === 0 && structuredContent !== undefined) texts.push(json(structuredContent));
  const text = texts.join("\n").slice(0, textCharsMax);
  return { text: text === "" ? "the tool gave no text" : text, isError: isError === true };
}

function textOf(part: unknown): string {
  if (!isObject(part)) return "[left out: what is no content]";
  const { type, text, mimeType, uri, resource } = part as Readonly<Record<string, unknown>>;
  if (type === "text") return typeof text === "string" ? text : "";
  if (type === "resource_link") return `[link: ${word(uri)}]`;
  if (type === "resource" && isObject(resource)) {
    const held = resource["text"];
    return typeof held === "string" ? held : `[left out: resource ${word(resource["uri"])}]`;
  }
  return `[left out: ${word(type)} ${word(mimeType)}]`.replace(" ]", "]");
}

function word(value: unknown): string {
  return clean(value, wordCharsMax).replaceAll(/\s+/g, " ");
}

/** Nested too deep it cannot be written. */
function json(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    return `[left out: ${error instanceof Error ? error.message : error}]`;
  }
}
