import { relative } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";

const messageCharsMax = 500;

/**
 * Ends a run with one line that any CI can read: `N passed, N failed`. Before it, a line for each
 * test that passed only when it was tried again, with what it said first: that is wrong, too.
 */
export class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const broken = modules.filter(
      (module) => module.state() === "failed" && module.errors().length > 0,
    );
    const passed = tests.filter((test) => test.result().state === "passed");
    const red = tests.filter((test) => test.result().state === "failed");
    const retried = passed.filter((test) => test.diagnostic()?.flaky === true).map(retriedLine);
    const failed = errors.length + broken.length + red.length;
    const lines = [...retried, `${passed.length} passed, ${failed} failed`];
    process.stdout.write(`\n${lines.join("\n")}\n`);
  }
}

function retriedLine(test: TestCase): string {
  const [first] = test.result().errors ?? [];
  const message = (first?.message ?? "it said nothing").trim().replace(/\s+/g, " ");
  const file = relative(process.cwd(), test.module.moduleId);
  return `retried: ${file} > ${test.fullName}: ${message.slice(0, messageCharsMax)}`;
}

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default TallyReporter;
