import { baseName } from "./commands.ts";
import { matchesGlob } from "./glob.ts";

/** Files that nobody changes without a person's word, whatever the gate is. */
export const protectedDefaults: readonly string[] = [
  "taskdaemon.yml",
  "taskdaemon.yaml",
  ".taskdaemon/**",
  ".github/workflows/**",
  ".github/actions/**",
  ".gitlab-ci.yml",
  ".gitlab/ci/**",
  ".circleci/**",
  ".buildkite/**",
  ".woodpecker.yml",
  ".woodpecker/**",
  ".forgejo/workflows/**",
  ".gitea/workflows/**",
  ".drone.yml",
  ".travis.yml",
  ".appveyor.yml",
  "appveyor.yml",
  "azure-pipelines.yml",
  "bitbucket-pipelines.yml",
  "cloudbuild.yaml",
  "Jenkinsfile",
];

interface Tool {
  /** Its name among the words of a command. */
  readonly named: RegExp;
  /** Names of the files that say how it runs; found at any level. */
  readonly files: RegExp;
  /** Top-level keys of package.json that do the same. */
  readonly packageKeys: readonly string[];
}

const workspacesKey = "workspaces";
const script = "(?:[cm]?[jt]s|json|jsonc|ya?ml)";
const tools: readonly Tool[] = [
  tool("vitest", `^(?:vitest\\.(?:config|workspace|projects)|vite\\.config)\\.${script}$`),
  tool(
    "jest|react-scripts|craco",
    `^(?:(?:jest|craco|babel)\\.config\\.${script}|\\.babelrc(?:\\.${script})?)$`,
    ["jest", "babel"],
  ),
  tool("_?mocha", `^(?:\\.mocharc(?:\\.${script})?|mocha\\.opts)$`, ["mocha"]),
  tool("ava", `^ava\\.config\\.${script}$`, ["ava"]),
  tool("tap", "^\\.taprc$", ["tap"]),
  tool("c8|nyc", `^(?:\\.c8rc|\\.nycrc|nyc\\.config)(?:\\.${script})?$`, ["c8", "nyc"]),
  tool("playwright", `^playwright\\.config\\.${script}$`),
  tool("cypress", `^cypress\\.config\\.${script}$`),
  tool("bun", "^bunfig\\.toml$"),
  tool("deno", "^deno\\.jsonc?$"),
  tool("turbo|nx|lerna", "^(?:turbo|nx|lerna|project)\\.json$", ["nx", workspacesKey]),
  tool(
    "eslint|xo",
    `^(?:eslint\\.config\\.${script}|\\.eslintrc(?:\\.${script})?|\\.eslintignore)$`,
    ["eslintConfig", "xo"],
  ),
  tool("tsc|vue-tsc|tsd", "^tsconfig[\\w.-]*\\.json$"),
  tool(
    "prettier",
    `^(?:\\.prettierrc(?:\\.(?:toml|${script}))?|prettier\\.config\\.${script}|\\.prettierignore)$`,
    ["prettier"],
  ),
  tool("biome", "^biome\\.jsonc?$"),
  tool("knip", `^(?:knip\\.(?:config\\.)?|\\.knip\\.)${script}$`, ["knip"]),
  tool(
    "pytest|py\\.test|python[\\d.]*|coverage|tox|nox|hatch|poe|ruff|mypy|flake8|pyright",
    "^(?:pytest\\.(?:ini|toml)|\\.pytest\\.(?:ini|toml)|tox\\.(?:ini|toml)|setup\\.cfg|pyproject\\.toml|noxfile\\.py|\\.coveragerc|conftest\\.py|ruff\\.toml|\\.ruff\\.toml|mypy\\.ini|\\.mypy\\.ini|\\.flake8|pyrightconfig\\.json)$",
  ),
  tool(
    "cargo",
    "^(?:Cargo\\.toml|rust-toolchain(?:\\.toml)?|nextest\\.toml|clippy\\.toml|\\.clippy\\.toml)$",
  ),
  tool("go", "^go\\.(?:mod|work)$"),
  tool("golangci-lint", "^\\.golangci\\.(?:ya?ml|toml|json)$"),
  tool("rspec", "^\\.rspec$"),
  tool("rake|rails", "^Rakefile$"),
  tool("phpunit|pest|composer", "^(?:phpunit(?:\\.dist)?\\.xml(?:\\.dist)?|composer\\.json)$"),
  tool("dotnet", "^(?:\\.runsettings|.*\\.runsettings|Directory\\.Build\\.(?:props|targets))$"),
  tool("mix", "^test_helper\\.exs$"),
  tool("task", "^Taskfile\\.ya?ml$"),
  tool(
    "npm|npx|pnpm|yarn",
    "^(?:\\.npmrc|\\.yarnrc(?:\\.yml)?|\\.pnpmfile\\.[cm]?js|pnpm-workspace\\.yaml)$",
    [workspacesKey],
  ),
];

function tool(named: string, files: string, packageKeys: readonly string[] = []): Tool {
  return { named: new RegExp(`^(?:\\S*/)?(?:${named})$`), files: new RegExp(files), packageKeys };
}

/** The tools whose names are among the first words of the commands. */
export interface ToolsInUse {
  isConfiguration(path: string): boolean;
  readonly packageKeys: readonly string[];
  /** The first words of the commands. */
  readonly names: ReadonlySet<string>;
  readonly python: boolean;
}

export function toolsInUse(commands: readonly (readonly string[])[]): ToolsInUse {
  const names = new Set(commands.flatMap((words) => words.slice(0, 4)));
  const used = tools.filter(({ named }) => [...names].some((name) => named.test(name)));
  return {
    isConfiguration: (path) =>
      (!isInDependencies(path) && used.some(({ files }) => files.test(baseName(path)))) ||
      (/(?:^|\/)\.cargo\/config(?:\.toml)?$/.test(path) && names.has("cargo")),
    packageKeys: [...new Set(used.flatMap(({ packageKeys }) => packageKeys))],
    names,
    python: [...names].some((name) =>
      /^(?:\S*\/)?(?:python[\d.]*|pytest|py\.test|tox|nox)$/.test(name),
    ),
  };
}

function isInDependencies(path: string): boolean {
  return /(?:^|\/)(?:node_modules|fixtures|__fixtures__|testdata)\//.test(path);
}

export function isProtected(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, path));
}

const pythonShadow =
  /(?:^|\/)(?:(?:pytest|_pytest|unittest|pluggy|coverage|tox)(?:\.py|\/__init__\.py)|(?:sitecustomize|usercustomize)\.py|[^/]+\.pth)$|^(?:src\/)?(?:pytest|_pytest|pluggy|coverage)$|^(?:src\/)?[^/]+\.(?:dist|egg)-info\/|\.egg-link$/;

/** What `python -m pytest` and `python -m unittest` load from the current directory first. */
const standardModule =
  /^(?:__future__|_collections_abc|abc|argparse|ast|asyncio|atexit|bdb|bisect|builtins|calendar|cmd|code|codecs|collections|configparser|contextlib|copy|copyreg|dataclasses|datetime|decimal|difflib|dis|doctest|email|enum|errno|faulthandler|fnmatch|fractions|functools|gc|getpass|gettext|glob|hashlib|heapq|html|importlib|inspect|io|itertools|json|keyword|linecache|locale|logging|math|numbers|opcode|operator|os|pathlib|pdb|pickle|pkgutil|platform|posixpath|pprint|random|re|reprlib|runpy|selectors|shlex|shutil|signal|site|socket|stat|statistics|string|struct|subprocess|sys|sysconfig|tempfile|textwrap|threading|time|timeit|token|tokenize|tomllib|traceback|types|typing|unicodedata|urllib|uuid|warnings|weakref|xml|zipfile|zlib|concurrent|multiprocessing|queue|select|socketserver|ssl|iniconfig|packaging|pygments|exceptiongroup|tomli|attrs?|py|xdist|execnet)(?:(?:\.py|\/__init__\.py|\.pyc|(?:\.[\w-]+)?\.(?:so|pyd)))?$/;

const installed =
  /(?:^|\/)(?:node_modules\/|\.pnp\.[\w.]+$|\.yarn\/(?:releases|plugins|cache|unplugged|patches|sdks)\/)/;

/** Files that a runner would load in place of itself or of what was installed. */
export function shadowOf(path: string, isNew: boolean, tools: ToolsInUse): string | null {
  const isVendored = !isNew && tools.names.has("go") && /^vendor\/(?!modules\.txt$)/.test(path);
  if (isVendored || installed.test(path)) return "it takes the place of an installed package";
  if (tools.python && (pythonShadow.test(path) || (isNew && standardModule.test(path)))) {
    return "python would load it in place of, or before, the test runner";
  }
  return null;
}
