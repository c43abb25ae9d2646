import type { FrontMatter } from "../../core/documents.ts";
import { readYaml } from "./yaml-document.ts";

const linesMax = 400;
const charsMax = 32_000;

/** Reads the YAML between the first two lines of `---`. Never throws: what is wrong is told. */
export function readFrontMatter(path: string, text: string): FrontMatter {
  const lines = text.split("\n");
  if (lines[0]?.trimEnd() !== "---") {
    return none("there is no front matter: the first line must be ---");
  }
  const end = lines.slice(1, linesMax).findIndex((line) => /^(?:---|\.\.\.)\s*$/.test(line));
  if (end < 0) return none("the front matter has no end: a second line of --- is missing");
  const yaml = lines.slice(1, end + 1).join("\n");
  if (yaml.length > charsMax) return none(`the front matter has more than ${charsMax} characters`);
  // An empty line in place of the first one keeps the numbers of the lines.
  const document = readYaml(path, `\n${yaml}`);
  const problems = document.problems.map(({ line, message }) => ({ line: line ?? 1, message }));
  return {
    value: problems.length > 0 ? null : document.value,
    problems,
    lineOf: (key) => document.keyPlace(key).line,
  };
}

function none(message: string): FrontMatter {
  return { value: null, problems: [{ line: 1, message }], lineOf: () => 1 };
}
