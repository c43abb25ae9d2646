import type { ReactNode } from "react";
import { plain } from "../../src/views/plain.ts";

type Block =
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "heading"; readonly text: string }
  | { readonly type: "list"; readonly items: readonly string[] }
  | { readonly type: "text"; readonly text: string };

/** The few forms that documents have, as elements; links and HTML stay the text that they are. */
export function Markdown({ text }: { readonly text: string }) {
  return (
    <div className="document">
      {blocksOf(plain(text)).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks have no other name, nor a state
        <Block key={index} block={block} />
      ))}
    </div>
  );
}

function Block({ block }: { readonly block: Block }) {
  switch (block.type) {
    case "code":
      return <pre>{block.text}</pre>;
    case "heading":
      return <h3>{inline(block.text)}</h3>;
    case "list":
      return (
        <ul>
          {block.items.map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <li key={index}>{inline(item)}</li>
          ))}
        </ul>
      );
    case "text":
      return <p>{inline(block.text)}</p>;
    default:
      return block satisfies never;
  }
}

/** What stands between backticks is code. */
function inline(text: string): readonly ReactNode[] {
  return text.split(/`([^`\n]+)`/).map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: as above
    index % 2 === 1 ? <code key={index}>{part}</code> : part,
  );
}

function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  // Front matter and fences keep their lines; the rest comes in paragraphs.
  const parts = text.split(/^(---\n[\s\S]*?\n---$|```[^\n]*\n[\s\S]*?\n```$)/m);
  for (const part of parts) {
    if (/^(?:---|```)/.test(part)) {
      blocks.push({ type: "code", text: part.replace(/^```[^\n]*\n|\n```$/g, "") });
    } else {
      for (const paragraph of part.split(/\n{2,}/)) blocks.push(...paragraphOf(paragraph));
    }
  }
  return blocks;
}

function paragraphOf(paragraph: string): readonly Block[] {
  const text = paragraph.replace(/^\n+|\n+$/g, "");
  if (text.trim() === "") return [];
  const [first = "", ...rest] = text.split("\n");
  const heading = /^#{1,6} +(.*)$/.exec(first)?.[1];
  if (heading !== undefined)
    return [{ type: "heading", text: heading }, ...paragraphOf(rest.join("\n"))];
  const items = text.split(/\n(?=[-*] |\d+\. )/);
  if (items.every((item) => /^(?:[-*]|\d+\.) /.test(item))) {
    return [{ type: "list", items: items.map((item) => item.replace(/^[-*] /, "")) }];
  }
  return [{ type: "text", text }];
}
