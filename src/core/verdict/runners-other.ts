import {
  countsAfter,
  countsBefore,
  lastLine,
  nothing,
  type Reading,
  type Runner,
  stretches,
  sum,
} from "./tally.ts";

const pytestCounts = /^(?:=+ )?(?:\d{1,9} [a-z]|no tests ran)/;
const pytestTime = / in \d[\d.]*s(?: \([\d:]+\))?(?: =+)?$/;

function pytest(lines: readonly string[]): Reading {
  const runs = stretches(lines, /^=+ test session starts =+$/);
  // With `-q` there is no line that says where it began, so silence says nothing.
  return runs.length === 0 ? pytestRun(lines) : sum(runs.map((run) => pytestRun(run) ?? "cut"));
}

function pytestRun(lines: readonly string[]): Reading {
  const last = lines.findLast((line) => pytestCounts.test(line) && pytestTime.test(line));
  if (last === undefined) return null;
  const counts = countsBefore(last);
  const failed = counts("failed", "error", "errors");
  return {
    ran: counts("passed", "xfailed", "xpassed") + failed,
    failed,
    skipped: counts("skipped"),
  };
}

function unittest(lines: readonly string[]): Reading {
  const at = lines.findLastIndex((line) => /^Ran \d{1,9} tests? in \d/.test(line));
  if (at === -1) return null;
  const status = lines
    .slice(at + 1, at + 4)
    .find((line) => /^(?:OK|FAILED|NO TESTS RAN)\b/.test(line));
  if (status === undefined) return "cut";
  const counts = countsAfter(status);
  const total = Number(/^Ran (\d{1,9})/.exec(lines[at] ?? "")?.[1]);
  const skipped = counts("skipped");
  return {
    ran: Math.max(0, total - skipped),
    failed: counts("failures", "errors", "successes"),
    skipped,
  };
}

const goPackage = /^(?:(ok|FAIL)\s+|\?\s+)\S+\s+(?:\(cached\)|\d[\d.]*s|\[[^\]]+\])(.*)$/;

/** Counts tests under `-v`; otherwise packages that ran some, because no more is said. */
function go(lines: readonly string[]): Reading {
  const packages = lines.filter((line) => goPackage.test(line));
  const began = lines.filter((line) => /^=== RUN {3}\S/.test(line)).length;
  if (packages.length === 0) return began > 0 ? "cut" : null;
  const failed = packages.filter((line) => line.startsWith("FAIL")).length;
  if (began === 0) {
    const empty = packages.filter((line) => /\[no test(?:s to run| files)\]/.test(line)).length;
    return { ran: packages.length - empty, failed, skipped: 0 };
  }
  const ends = new Map<string, string>();
  for (const line of lines) {
    const match = /^\s*--- (PASS|FAIL|SKIP): (\S+) \(/.exec(line);
    if (match !== null) ends.set(`${match[1]} ${match[2]}`, match[1] ?? "");
  }
  const count = (word: string) => [...ends.values()].filter((end) => end === word).length;
  const lost = count("FAIL");
  return { ran: count("PASS") + lost, failed: Math.max(lost, failed), skipped: count("SKIP") };
}

function cargo(lines: readonly string[]): Reading {
  const nextest = lastLine(lines, /^\s*Summary \[.*\] +\d{1,9} tests? run:/);
  if (nextest !== null) {
    const counts = countsBefore(nextest);
    const failed = counts("failed");
    return { ran: counts("passed") + failed, failed, skipped: counts("skipped") };
  }
  return sum(stretches(lines, /^running \d{1,9} tests?$/).map(cargoBinary));
}

/** A binary that says how many it runs and then speaks of fewer was ended by its own code. */
function cargoBinary(lines: readonly string[]): Reading {
  const last = lastLine(lines, /^test result: (?:ok|FAILED)\. \d/);
  if (last === null) return "cut";
  const counts = countsBefore(last);
  const announced = Number(/^running (\d{1,9})/.exec(lines[0] ?? "")?.[1]);
  const failed = counts("failed");
  const ran = counts("passed", "measured") + failed;
  if (ran + counts("ignored") !== announced) return "cut";
  return { ran, failed, skipped: counts("ignored") };
}

function maven(lines: readonly string[]): Reading {
  const totals = lines.filter((line) =>
    /^(?:\[\w+\] )?Tests run: {1,3}\d[^.]*Skipped: \d{1,9}\s*$/.test(line),
  );
  if (totals.length === 0) {
    if (lines.some((line) => /^\[INFO\] No tests to run\.?$/.test(line))) return nothing;
    return lines.some((line) => /^(?:\[INFO\])? +T E S T S$/.test(line)) ? "cut" : null;
  }
  return sum(
    totals.map((line) => {
      const counts = countsAfter(line.replace("Tests run", "run"));
      const skipped = counts("skipped");
      const failed = counts("failures", "errors");
      return { ran: counts("run") - skipped, failed, skipped };
    }),
  );
}

/** Gradle says nothing of what passed unless the build asks it to log test events. */
function gradle(lines: readonly string[]): Reading {
  if (!lines.some((line) => /^BUILD (?:SUCCESSFUL|FAILED) in /.test(line))) return null;
  const totals = lines.filter((line) => /^\d{1,9} tests? completed, \d/.test(line));
  if (totals.length > 0) {
    return sum(
      totals.map((line) => {
        const counts = countsBefore(line.replace(/ tests? completed/, " completed"));
        const skipped = counts("skipped");
        return { ran: counts("completed") - skipped, failed: counts("failed"), skipped };
      }),
    );
  }
  const count = (word: string) =>
    lines.filter((line) => line.includes(" > ") && line.trimEnd().endsWith(` ${word}`)).length;
  const failed = count("FAILED");
  const ran = count("PASSED") + failed;
  return ran === 0 ? null : { ran, failed, skipped: count("SKIPPED") };
}

function rspec(lines: readonly string[]): Reading {
  return totalLine(lines, /^\d{1,9} examples?, \d{1,9} failures?/, "example", "pending");
}

function minitest(lines: readonly string[]): Reading {
  return (
    totalLine(lines, /^\d{1,9} runs, \d{1,9} assertions, \d/, "run", "skip") ??
    totalLine(lines, /^\d{1,9} tests, \d{1,9} assertions, \d{1,9} failures/, "test", "omission")
  );
}

function exunit(lines: readonly string[]): Reading {
  if (lines.some((line) => /^There are no tests to run$/.test(line))) return nothing;
  const form =
    /^(?:\d{1,9} (?:doctests?|propert(?:y|ies)), )*\d{1,9} (?:tests?|doctests?), \d{1,9} failures?/;
  return totalLine(lines, form, "test", "skipped");
}

function totalLine(lines: readonly string[], form: RegExp, unit: string, idle: string): Reading {
  const last = lastLine(lines, form);
  if (last === null) return null;
  const counts = countsBefore(last);
  const many = (word: string) => counts(word, `${word}s`);
  const skipped = many(idle) + (unit === "test" ? counts("excluded", "pendings") : 0);
  const total =
    many(unit) + (unit === "test" ? many("doctest") + counts("property", "properties") : 0);
  const failed = many("failure") + many("error");
  return { ran: Math.max(0, total - skipped), failed, skipped };
}

function phpunit(lines: readonly string[]): Reading {
  if (lines.some((line) => /^No tests executed!$/.test(line))) return nothing;
  const good = lastLine(lines, /^OK \(\d{1,9} tests?, \d{1,9} assertions?\)$/);
  if (good !== null) {
    return { ran: countsBefore(good)("test", "tests"), failed: 0, skipped: 0 };
  }
  const bad = lastLine(lines, /^Tests: \d{1,9}, Assertions: \d/);
  if (bad === null) {
    return lines.some((line) => /^PHPUnit \d[\d.]* by /.test(line)) ? "cut" : null;
  }
  const counts = countsAfter(bad);
  const skipped = counts("skipped", "incomplete");
  return { ran: counts("tests") - skipped, failed: counts("failures", "errors"), skipped };
}

function dotnet(lines: readonly string[]): Reading {
  const form = /^\s*(?:(?:Passed|Failed|Skipped)! +- Failed:|Test summary: total:) +\d/;
  const totals = lines.filter((line) => form.test(line));
  if (totals.length > 0) {
    return sum(
      totals.map((line) => {
        const counts = countsAfter(line);
        const failed = counts("failed");
        return {
          ran: counts("passed", "succeeded") + failed,
          failed,
          skipped: counts("skipped"),
        };
      }),
    );
  }
  return lines.some((line) => /^No test (?:is available in|matches the given)/.test(line))
    ? nothing
    : null;
}

const sure = { weak: false, talks: true };

export const otherRunners: readonly Runner[] = [
  {
    ...sure,
    name: "pytest",
    named: /^(?:python[\d.]* (?:-\w+ )*-m )?(?:pytest|py\.test)(?: |$)/,
    read: pytest,
  },
  {
    ...sure,
    name: "unittest",
    named: /^python[\d.]* (?:-\w+ )*(?:-m unittest|(?:\S*\/)?manage\.py test)(?: |$)/,
    read: unittest,
  },
  { ...sure, name: "go test", named: /^go test(?: |$)/, read: go },
  {
    ...sure,
    name: "cargo test",
    named: /^cargo (?:\+\S+ )?(?:test|t|nextest run)(?: |$)/,
    read: cargo,
  },
  {
    ...sure,
    name: "maven",
    named: /^(?:\S*\/)?mvnw?(?: .*)? (?:test|verify|package|install)(?: |$)/,
    read: maven,
  },
  {
    name: "gradle",
    named: /^(?:\S*\/)?gradlew?(?: |$)/,
    weak: false,
    talks: false,
    read: gradle,
  },
  { ...sure, name: "rspec", named: /^(?:\S*\/)?rspec(?: |$)/, read: rspec },
  { ...sure, name: "minitest", named: /^(?:\S*\/)?rails test(?: |$)/, read: minitest },
  { ...sure, name: "phpunit", named: /^(?:php )?(?:\S*\/)?phpunit(?: |$)/, read: phpunit },
  { ...sure, name: "dotnet test", named: /^dotnet test(?: |$)/, read: dotnet },
  { ...sure, name: "exunit", named: /^mix test(?: |$)/, read: exunit },
];
