import {
  type DetectedValidation,
  firstOf,
  type RepositoryFacts,
  readIfThere,
} from "./repository-facts.ts";

const manifests = [
  "pytest.ini",
  ".pytest.ini",
  "pyproject.toml",
  "setup.cfg",
  "tox.ini",
  "setup.py",
  "requirements.txt",
  "requirements-dev.txt",
  "requirements-test.txt",
];
const pytestConfig = /^[ \t]*\[(tool\.pytest\b.*|tool:pytest|pytest)\]/m;
const testFile = /(^|\/)(test_[^/]*|[^/]*_test|conftest)\.py$/;
const conftest = /(^|\/)conftest\.py$/;
/** So many test files are looked into to tell unittest from pytest. */
const testFilesReadMax = 5;

/** pytest if anything speaks of it, else tox, else unittest if the tests are written with it. */
export async function detectPython(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const python = firstOf(facts, [".venv/bin/python", "venv/bin/python"]) ?? "python3";
  const pytest = `${python} -m pytest`;
  let mentions: string | null = null;
  for (const file of manifests) {
    const text = await readIfThere(facts, file);
    if (text === null) continue;
    if (file.endsWith("pytest.ini") || pytestConfig.test(text)) {
      return { command: pytest, from: `${file} (pytest)` };
    }
    if (/\bpytest\b/.test(text)) mentions ??= file;
  }
  const tests = facts.paths.filter((path) => testFile.test(path) && !path.startsWith("."));
  const configured = tests.find((path) => conftest.test(path));
  if (configured !== undefined) return { command: pytest, from: configured };
  const tox = /^[ \t]*\[(tox|testenv)\b/m.test((await readIfThere(facts, "tox.ini")) ?? "");
  if (tox) return { command: "tox", from: "tox.ini" };
  const [first] = tests;
  if (first === undefined) return null;
  if (mentions !== null) return { command: pytest, from: `${mentions} (pytest)` };
  return (await usesUnittest(facts, tests))
    ? { command: `${python} -m unittest discover${startOf(tests)}`, from: `${first} (unittest)` }
    : { command: pytest, from: first };
}

async function usesUnittest(facts: RepositoryFacts, tests: readonly string[]): Promise<boolean> {
  for (const path of tests.slice(0, testFilesReadMax)) {
    const text = (await facts.read(path)) ?? "";
    if (/^[ \t]*(import|from)\s+pytest\b/m.test(text)) return false;
    if (/^[ \t]*(import|from)\s+unittest\b/m.test(text)) return true;
  }
  return false;
}

/** unittest finds tests by its own pattern, and only in directories that it is told of. */
function startOf(tests: readonly string[]): string {
  const tops = new Set(tests.map((path) => (path.includes("/") ? path.split("/")[0] : "")));
  const [top] = tops;
  const start = tops.size === 1 && top && /^[\w.-]+$/.test(top) ? ` -s ${top}` : "";
  return tests.every((path) => path.endsWith("_test.py")) ? `${start} -p '*_test.py'` : start;
}
