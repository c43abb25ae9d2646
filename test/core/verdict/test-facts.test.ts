import { describe, expect, test } from "vitest";
import { isTestFile, testFacts } from "../../../src/core/verdict/test-facts.ts";
import { cpuMs } from "../../cpu-time.ts";

function told(path: string, text: string): string {
  const { declared, names, assertions, skipped, focused } = testFacts(path, text);
  return `${declared} (${names.join(", ")}) ${assertions} asserted, ${skipped} skipped, ${focused} focused`;
}

describe("counts the tests of", () => {
  test.each<readonly [string, string, string]>([
    [
      "a.test.ts",
      `test("one", () => { expect(a).toBe(1); });
describe.skip("g", () => { it.each([1])("two %s", () => assert.equal(1, b)); });
it.only('three', async (t) => { t.is(a, b); await expect.poll(() => c).toBe(2); });
xit("four", () => {}); test.todo("five"); /re"gex/.test("x"); const s = "test('six')";
// test("seven", () => expect(1))
test(\`eight\`, { timeout: 5, skip: true }, () => { expect(true).toBe(true); });`,
      "4 (one, three, eight) 4 asserted, 3 skipped, 1 focused",
    ],
    [
      "test/a.js",
      `const test = require("tape"); test("one", (t) => { t.equal(1, a); t.end(); t.test("sub", () => {}); });`,
      "2 (one, sub) 1 asserted, 0 skipped, 0 focused",
    ],
    [
      "test_a.py",
      `class T(unittest.TestCase):
    def test_one(self):
        self.assertEqual(1, a)
        x.assert_called_once()
    @pytest.mark.xfail
    async def test_two(self):
        """def test_three(): assert 1"""
        assert True
        with pytest.raises(E): pass
# def test_four(): pass
`,
      "2 (test_one, test_two) 3 asserted, 1 skipped, 0 focused",
    ],
    [
      "a_test.go",
      'func TestOne(t *testing.T) {\n\tt.Run("sub", func(t *testing.T) { t.Skip() })\n\tassert.Equal(t, 1, a)\n\tt.Fatal(`t.Fatal(`)\n}\n',
      "2 (TestOne, sub) 2 asserted, 1 skipped, 0 focused",
    ],
    [
      "tests/a.rs",
      '#[test]\nfn one() { assert_eq!(1, a); let c: &\'static str = "assert!"; }\n#[tokio::test]\n#[ignore]\nasync fn two() { assert!(true); }\n',
      "2 (one, two) 1 asserted, 1 skipped, 0 focused",
    ],
    [
      "src/test/java/ATest.java",
      "@Test\n@Disabled\npublic void one() { assertEquals(1, a); }\n@ParameterizedTest void two(int x) { verify(m).run(); } // @Test\n",
      "2 (one, two) 2 asserted, 1 skipped, 0 focused",
    ],
    [
      "a_spec.rb",
      "describe A do\n  it \"one\" do\n    expect(a).to eq(1)\n  end\n  xit 'two' do\n  end\n  fit('three') { is_expected.to be }\n  # it \"four\"\nend\n",
      "1 (one) 2 asserted, 1 skipped, 1 focused",
    ],
    [
      "a_test.rb",
      "def test_one\n  assert_equal 1, a\n  skip\nend\n",
      "1 (test_one) 1 asserted, 1 skipped, 0 focused",
    ],
    [
      "ATest.php",
      "public function testOne() { $this->assertSame(1, $a); self::assertTrue(true); }\n#[Test] public function two() { $this->markTestSkipped(); }\n# function testThree()\n",
      "2 (testOne, two) 1 asserted, 1 skipped, 0 focused",
    ],
    [
      "ATests.cs",
      '[Fact] public void One() { Assert.Equal(1, a); }\n[Theory(Skip = "no")] public async Task Two() { }\n',
      "2 (One, Two) 1 asserted, 1 skipped, 0 focused",
    ],
    [
      "a_test.exs",
      'test "one" do\n  assert a == 1\n  assert true\nend\n@tag :skip\ntest "two", %{x: x} do\n  refute x\nend\n',
      "2 (one, two) 2 asserted, 1 skipped, 0 focused",
    ],
    [
      "a.bats",
      '@test "one" {\n  skip\n  [ 1 = 1 ]\n}\n',
      "1 (one) 1 asserted, 1 skipped, 0 focused",
    ],
  ])("%s", (path, text, expected) => {
    expect(told(path, text)).toBe(expected);
  });
});

test("knows where tests are by convention, and where they are not", () => {
  const tests = [
    "a.spec.tsx",
    "__tests__/a.js",
    "tests/x/a.py",
    "e2e/a.ts",
    "test.mjs",
    "src/a.rs",
  ];
  const others = ["src/a.ts", "test/a.md", "latest.js", "a.py", "test/fixtures/a.test.ts", "a.go"];
  expect(tests.filter((path) => !isTestFile(path))).toEqual([]);
  expect(others.filter(isTestFile)).toEqual([]);
});

test("leaves the program of a Rust file out", () => {
  expect(told("src/a.rs", "fn f() { assert!(x); }\n")).toBe(
    "0 () 0 asserted, 0 skipped, 0 focused",
  );
});

test.each(["js", "py", "go", "rs", "java", "rb", "php", "cs", "exs", "bats"])(
  "takes linear time on a hostile .%s file",
  (extension) => {
    const path = `test/src/test/a.Tests/${{ java: "ATest", cs: "ATest", php: "ATest", py: "test_a" }[extension] ?? "a_test"}.${extension}`;
    expect(isTestFile(path)).toBe(true);
    const startedAt = cpuMs();
    const units = [
      "\n",
      " ",
      '"',
      "'",
      "`",
      "/*",
      "//",
      "#[test]",
      "#[test",
      '"""',
      "=/[",
      "t.t.only",
      "test(",
      "test.a",
      "a.",
      ", skip",
      "@Test",
      "assert",
      "function ",
      "^ \t",
      "def test",
      "expect(",
      "${",
      "\\",
    ];
    for (const unit of units) testFacts(path, unit.repeat(300_000 / unit.length));
    expect(cpuMs() - startedAt).toBeLessThan(10_000);
  },
);
