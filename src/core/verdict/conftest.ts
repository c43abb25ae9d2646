/**
 * What of a conftest.py acts by itself: hooks, fixtures of every test, statements. Fixtures that
 * a test asks for, functions, constants and imports may come and go.
 */
export function conftestText(plain: string): string {
  return blocksOf(onLines(plain).split("\n"))
    .filter((block) => !isHarmless(block))
    .map((block) => block.join("\n"))
    .join("\n");
}

/** Each with all that is indented below its first line, and a function with its decorators. */
function blocksOf(lines: readonly string[]): readonly (readonly string[])[] {
  const blocks: string[][] = [];
  let open = 0;
  let isDecorated = false;
  for (const line of lines) {
    const begins = /^[^\s)\]}]/.test(line) && open <= 0 && !isDecorated;
    if (begins || blocks.length === 0) blocks.push([]);
    blocks.at(-1)?.push(line);
    open = Math.max(0, open + bracketsIn(line));
    isDecorated = line.startsWith("@") || (isDecorated && !definition.test(line));
  }
  return blocks;
}

const definition = /^(?:(?:async )?def|class)\s/;

/** Strings of many lines on one, comments away: neither can look like a statement then. */
function onLines(text: string): string {
  return text.replace(
    /#[^\n]*|("""|''')[\s\S]*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g,
    (token) => (token.startsWith("#") ? "" : token.replace(/[()[\]{};\n]/g, "_")),
  );
}

function bracketsIn(line: string): number {
  return (line.match(/[([{]/g)?.length ?? 0) - (line.match(/[)\]}]/g)?.length ?? 0);
}

const acts =
  /\b(?:setattr|delattr|exec|eval|compile|globals|locals|vars|__import__|import_module|patch|sys\.modules|__dict__|os\._exit|sys\.exit)\b/;

function isHarmless(block: readonly string[]): boolean {
  const [first = ""] = block;
  const whole = block.join("\n");
  if (first.trim() === "") return true;
  if (/^["']/.test(first)) return !/[;(]/.test(whole) && !acts.test(whole);
  if (/^(?:import|from)\s/.test(first)) return !/;|\*|\bpytest_/.test(whole);
  if (/^os\.environ(?:\.setdefault\(|\[)\s*["'](?!PY)\w+["'][^;]*$/.test(whole)) return true;
  if (/^(?:warnings|logging)\.\w+\([^;]*$/.test(whole)) return true;
  if (/^[A-Za-z_]\w*\s*(?::[^=]+)?=(?!=)/.test(first)) {
    return !/^(?:pytest_|collect_ignore)/.test(first) && !acts.test(whole) && !whole.includes(";");
  }
  return isFunction(block);
}

/** Of which nothing runs before a test asks for it. */
function isFunction(block: readonly string[]): boolean {
  const at = block.findIndex((line) => definition.test(line));
  const line = block[at] ?? "";
  if (at === -1 || /^(?:async )?def\s+pytest_/.test(line) || acts.test(line)) return false;
  const decorators = block.slice(0, at).join("\n");
  if (/^class\s/.test(line)) {
    const sets = block.some((each) => /^\s+(?!self\.|cls\.)\w+\.[\w.]+\s*=(?!=)/.test(each));
    return !sets && !acts.test(block.join("\n")) && /^(?:@[\w.]*dataclass.*)?$/.test(decorators);
  }
  const isFixture = /^@(?:pytest\.|pytest_asyncio\.)?fixture\b/.test(decorators);
  return (
    decorators === "" ||
    (isFixture && !/\bautouse\b|\*\*/.test(decorators)) ||
    /^@(?:contextlib\.)?\w*contextmanager\b/.test(decorators)
  );
}
