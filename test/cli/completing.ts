/** A td that only completes, for a shell to call: two loops in memory. */
import { runCli } from "../../src/cli/run-cli.ts";
import { FakeProgram, loop } from "./fake-program.ts";

const { argv, env, stdout, stderr, stdin } = process;
const program = new FakeProgram(loop("3", { title: "Fix: it" }), loop("3.1"), loop("4"));
process.exitCode = await runCli({
  argv: argv.slice(2),
  env,
  cwd: "/",
  stdout,
  stderr,
  stdin,
  homeOf: (option) => option ?? "/nowhere",
  program,
  suspend: () => undefined,
  become: () => undefined,
  onCrash: () => () => undefined,
  tui: async () => 0,
  onSignal: () => () => undefined,
});
