/** How tests of one language are written, for counting them in text whose strings are blank. */
export interface Language {
  /** Of file names (and folders) that hold tests by convention. */
  readonly testPath: RegExp;
  readonly extension: RegExp;
  /** Comments and strings, to be blanked; `code` in it is kept. */
  readonly tokens: RegExp;
  readonly comment: RegExp;
  /** One match a test; group 1 is its name, otherwise the string after it is. */
  readonly test: RegExp;
  readonly assertion: RegExp;
  /** Assertions that cannot fail. */
  readonly trivial: RegExp;
  readonly skip: RegExp;
  /** Runs these tests only. */
  readonly only: RegExp | null;
}

const doubleQuoted = String.raw`"(?:\\[\s\S]|[^"\\\n])*"?`;
const singleQuoted = String.raw`'(?:\\[\s\S]|[^'\\\n])*'?`;
const backquoted = "`(?:\\\\[\\s\\S]|[^\\\\`])*`?";
const slashes = String.raw`\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`;
const hash = "#[^\\n]*";
const never = /(?!)/g;

function tokens(...alternatives: readonly string[]): RegExp {
  return new RegExp(alternatives.join("|"), "g");
}

const javascript: Language = {
  extension: /\.(?:[cm]?[jt]sx?|vue|svelte)$/,
  testPath:
    /(?:^|\/)(?:__tests__|tests?|specs?|e2e|integration)\/.*|[._-](?:test|spec|e2e|cy)\.[\w.]+$|(?:^|\/)(?:tests?|spec|test[._-][^/]*)\.\w+$/,
  tokens: tokens(
    slashes,
    String.raw`(?<=[(,=:[!&|?{};\n]\s{0,8})\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n]){0,200}\]|[^/\\\n[]){1,400}\/`,
    backquoted,
    doubleQuoted,
    singleQuoted,
  ),
  comment: /^\/[/*]/,
  test: /(?:(?<![\w.$])(?:test|it|specify)|(?<![\w.$])(?:t|tt|Deno)\.test)(?!\.todo\b)(?:\.(?!todo\b)\w+)*\s*[(`]/g,
  assertion:
    /(?<![\w.$])expect(?:\.(?:soft|poll|element)|TypeOf)?\s*[(<]|(?<![\w$])(?:\w+\.)?assert\w*(?:\.\w+)*\s*\(|(?<![\w.$])t\.(?!test\b|skip\b|todo\b|plan\b|context\b|teardown\b|log\b|after|before|diagnostic\b|mock\b|end\b|pass\b|comment\b|assert)\w+\(|\.should\b/g,
  trivial:
    /expect\(\s*(true|1|false|0)\s*\)\.(?:toBe|toEqual|toStrictEqual)\(\s*\1\s*\)|expect\(\s*true\s*\)\.toBeTruthy\(|assert(?:\.ok)?\(\s*(?:true|1)\s*[,)]|assert\.(?:equal|strictEqual|deepEqual)\(\s*(true|1|false|0)\s*,\s*\2\s*[,)]/g,
  skip: /(?<![\w.$])(?:test|it|describe|suite|context|specify)(?:\.\w+)*\.(?:skip|fails|failing|skipIf|runIf|fixme)\b|(?<![\w.$])x(?:it|describe|test|context|specify)\s*[(.]|(?<![\w.$])(?:t|this|ctx|context)\.(?:skip|todo)\(|[{,]\s*(?:skip|todo)\s*:\s*(?:true|["'`]|process|!)|\bif\s*\(\s*(?:false|0|!1)\s*\)|(?:=>|\))\s*\{\s*return\s*;|(?<![\w$.])(?:assert|expect|test|it|describe)(?:\.\w+)+\s*=(?![=>])|\b(?:test|it|describe|suite|context|specify)(?:\.\w+)*\s*\[\s*["'`]/g,
  only: /(?<![\w$.])(?:test|it|describe|suite|context|specify|t)(?:\.\w+)*\.only\b|(?<![\w.$])f(?:it|describe)\s*\(|[{,]\s*only\s*:\s*true/g,
};

const python: Language = {
  extension: /\.py$/,
  testPath: /(?:^|\/)(?:test_[^/]*|[^/]*_test|tests?)\.py$|(?:^|\/)tests?\/.*\.py$/,
  tokens: tokens(hash, String.raw`("""|''')[\s\S]*?(?:\1|$)`, doubleQuoted, singleQuoted),
  comment: /^#/,
  test: /^[ \t]*(?:async\s+)?def\s+(test\w*)\s*\(/gm,
  assertion:
    /^[ \t]*assert\b|\bself\.(?:assert\w+|fail)\(|\bpytest\.(?:raises|warns|fail)\b|\.assert_\w+\(/gm,
  trivial: /^[ \t]*assert\s+(?:True|1|not False)\s*(?:$|,)|\bself\.assertTrue\(\s*True\s*\)/gm,
  skip: /@(?:pytest\.mark\.|mark\.)(?:skip|skipif|xfail)\b|@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\bself\.skipTest\(|\bpytestmark\s*=|\b__test__\s*=\s*False|\braise\s+(?:unittest\.)?SkipTest|\n[ \t]+if\s+(?:False|0|not True)\s*:|\bdef\s+test\w*\([^)\n]{0,200}\)[^:\n]{0,100}:\s*return\b|\.assert\w+\s*=(?!=)/g,
  only: /^(?:async\s+)?def\s+load_tests\b|^load_tests\s*=/gm,
};

const go: Language = {
  extension: /\.go$/,
  // What go leaves out by its name holds no tests.
  testPath:
    /^(?!(?:.*\/)?[_.])(?!.*_(?:windows|freebsd|netbsd|openbsd|plan9|solaris|aix|android|ios|js|wasip1|wasm|386|arm|mips\w*|ppc64\w*|riscv64|s390x)_test\.go$).*_test\.go$/,
  tokens: tokens(slashes, backquoted, doubleQuoted, singleQuoted),
  comment: /^\/(?!\/go:build|\/ \+build)[/*]/,
  test: /^func\s+(?:\([^)\n]*\)\s*)?((?:Test(?!Main\b)|Fuzz|Example)\w*)\s*\(|\bt\.Run\(/gm,
  assertion:
    /\b[tbf]\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:assert|require|is|qt|suite|s)\.[A-Z]\w*\(/g,
  trivial: /\b(?:assert|require)\.True\(\s*t\s*,\s*true\b/g,
  skip: /\b[tbf]\.(?:Skip|SkipNow|Skipf)\(|^\/\/(?:go:build| \+build)/gm,
  only: /\b(?:os|syscall)\.Exit\(\s*0\s*\)|^func\s+TestMain\((?![\s\S]{0,2000}(?:\.Run\(\)|\(\s*m\s*[,)]))/gm,
};

const rust: Language = {
  extension: /\.rs$/,
  testPath: /\.rs$/,
  tokens: tokens(
    slashes,
    String.raw`"(?:\\[\s\S]|[^"\\])*"?`,
    String.raw`'(?:\\[^\n]{1,10}|[^'\\\n])'`,
  ),
  comment: /^\/[/*]/,
  test: /#\[(?:\w+::)*(?:test|rstest|test_case|quickcheck)\b[^\]\n]{0,200}\](?:\s*#\[[^\]\n]{0,200}\]){0,9}\s*(?:pub\s+)?(?:async\s+)?fn\s+(\w+)/g,
  assertion:
    /\b(?:debug_|prop_)?assert(?:_eq|_ne|_matches|_snapshot|_debug_snapshot)?!|#\[should_panic|\bpanic!/g,
  trivial: /\bassert!\(\s*true\b/g,
  skip: /#\[ignore\b|#!?\[cfg\((?!test\)|all\(test)/g,
  only: null,
};

const jvm: Language = {
  extension: /\.(?:java|kt|kts|scala|groovy)$/,
  testPath:
    /(?:^|\/)(?:Test[A-Z]\w*|\w*(?:Tests?|TestCase|IT|Spec))\.\w+$|(?:^|\/)src\/\w*[tT]est\/.*/,
  tokens: tokens(slashes, String.raw`"""[\s\S]*?(?:"""|$)`, doubleQuoted, singleQuoted),
  comment: /^\/[/*]/,
  test: /@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Property)\b/g,
  assertion: /\bassert\w*\s*[({]|\bverify\w*\s*[({]|\.should\w*\(|\bfail\(|\bexpect\w*\(/g,
  trivial: /\bassertTrue\(\s*true\s*\)|\bassertEquals\(\s*(\d+|true)\s*,\s*\1\s*\)/g,
  skip: /@(?:Disabled|Ignore|EnabledIf|DisabledIf|DisabledOn)\w*|\bassum(?:e|ing)\w*\(|\benabled\s*=\s*false/g,
  only: null,
};

const ruby: Language = {
  extension: /\.rb$/,
  testPath: /(?:_spec|_test)\.rb$|(?:^|\/)test_[^/]*\.rb$/,
  tokens: tokens("#(?!\\{)[^\\n]*", doubleQuoted, singleQuoted),
  comment: /^#/,
  test: /^[ \t]*(?:it|specify|example|scenario|test)\b\s*(?=[("'{]|do\b)|^[ \t]*def\s+(test_\w+)/gm,
  assertion:
    /\bexpect\b\s*[({]|\b(?:assert|refute)\w*\b|\.should(?:_not)?\b|\.(?:must|wont)_\w+|\bis_expected\b/g,
  trivial: /\bexpect\(\s*true\s*\)\.to\b|\bassert\(?\s*true\b/g,
  skip: /^[ \t]*(?:xit|xdescribe|xcontext|xspecify|xexample|pending|skip)\b|[,(]\s*(?::skip\b|skip:|:pending\b|pending:)/gm,
  only: /^[ \t]*f(?:it|describe|context|example)\b|[,(]\s*(?::focus\b|focus:)/gm,
};

const php: Language = {
  extension: /\.php$/,
  testPath: /Test\.php$|(?:^|\/)tests?\/.*\.php$/i,
  tokens: tokens(slashes, "#(?!\\[)[^\\n]*", doubleQuoted, singleQuoted),
  comment: /^(?:\/[/*]|#)/,
  test: /\bfunction\s+(test\w*)\s*\(|#\[Test\b|^[ \t]*(?:it|test)\s*\(/gm,
  assertion: /(?:->|::)assert\w+\(|\bexpect\w*\(|->expectException/g,
  trivial: /(?:->|::)assertTrue\(\s*true\s*\)/g,
  skip: /\bmarkTest(?:Skipped|Incomplete)\(|->(?:skip|todo)\(|#\[(?:Requires\w*|DoesNotPerformAssertions)/g,
  only: /->only\(/g,
};

const csharp: Language = {
  extension: /\.(?:cs|fs|vb)$/,
  testPath: /Tests?\.\w+$|(?:^|\/)[\w.]*Tests?\/.*/,
  tokens: tokens(slashes, doubleQuoted, singleQuoted),
  comment: /^\/[/*]/,
  test: /\[\s*(?:<)?(?:Fact|Theory|Test|TestMethod|DataTestMethod)\b/g,
  assertion: /\bAssert\.\w+|\.Should\w*\(/g,
  trivial: /\bAssert\.(?:True|IsTrue)\(\s*true\s*\)/g,
  skip: /\[\s*(?:Ignore|Explicit)\b|\bSkip\s*=|\bAssert\.(?:Ignore|Inconclusive|Skip)/g,
  only: null,
};

const elixir: Language = {
  extension: /\.exs$/,
  testPath: /_test\.exs$/,
  tokens: tokens(hash, String.raw`"""[\s\S]*?(?:"""|$)`, doubleQuoted),
  comment: /^#/,
  test: /^[ \t]*(?:test|property|feature)\s+(?=")/gm,
  assertion: /^[ \t]*(?:assert|refute|flunk)\w*\b/gm,
  trivial: /^[ \t]*assert\s+true\s*$/gm,
  skip: /@(?:module|describe)?tag\s+:?(?:skip|pending|exclude)\b/g,
  only: null,
};

const shell: Language = {
  extension: /\.bats$/,
  testPath: /\.bats$/,
  tokens: tokens(hash, doubleQuoted, singleQuoted),
  comment: /^#/,
  test: /^[ \t]*@test\s+(?=["'])/gm,
  assertion: /^[ \t]*(?:\[\[? |assert\w* |refute\w* )/gm,
  trivial: never,
  skip: /^[ \t]*skip\b/gm,
  only: null,
};

const languages: readonly Language[] = [
  javascript,
  python,
  go,
  rust,
  jvm,
  ruby,
  php,
  csharp,
  elixir,
  shell,
];

/** The language of a path that holds tests by its name; null for every other path. */
export function testLanguage(path: string): Language | null {
  if (/(?:^|\/)(?:node_modules|vendor|(?:__)?fixtures(?:__)?|__snapshots__|testdata)\//.test(path))
    return null;
  const language = languages.find(({ extension }) => extension.test(path));
  return language?.testPath.test(path) === true ? language : null;
}
