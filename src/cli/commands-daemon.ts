import { type AnyCommand, type Grammar, loopId, whole } from "./grammar.ts";

/** The daemon, and `td stop`, which is about it or about one loop. */
export function daemonCommands(grammar: Grammar): readonly AnyCommand[] {
  const page = () => import("./daemon.ts");
  return [
    grammar
      .command("start", "starts the daemon: many loops at once, and they go on without you")
      .option("--foreground", "stay here, until Ctrl-C")
      .addHelpText("after", "\nExamples:\n  td start\n  td start --foreground\n")
      .action((options, self) => grammar.run(self, async (s) => (await page()).start(s, options))),
    grammar
      .command("stop", "stops the daemon, or one loop and its children for good")
      .argument("[id]", "a loop (td list); without it, the daemon", loopId)
      .option("--now", "do not wait for turns under way")
      .addHelpText("after", "\nExamples:\n  td stop\n  td stop --now\n  td stop 7.2\n")
      .action((id, options, self) =>
        grammar.run(self, async (s) => (await page()).stop(s, id, options)),
      ),
    grammar
      .command("restart", "stops the daemon and starts it again; loops go on where they were")
      .option("--now", "do not wait for turns under way")
      .action((options, self) =>
        grammar.run(self, async (s) => (await page()).restart(s, options)),
      ),
    grammar
      .command("status", "shows the daemon: loops, limits, memory")
      .action((_, self) => grammar.run(self, async (s) => (await page()).status(s))),
    grammar
      .command("ping", "asks whether the daemon answers")
      .action((_, self) => grammar.run(self, async (s) => (await page()).ping(s))),
    grammar
      .command("queue", "shows what runs, what waits and why")
      .action((_, self) => grammar.run(self, async (s) => (await page()).queue(s))),
    grammar
      .command("metrics", "what the daemon has counted: tokens, cost, times, errors")
      .addHelpText("after", "\nExamples:\n  td metrics\n  td metrics --json\n")
      .action((_, self) =>
        grammar.run(self, async (session) => (await import("./metrics.ts")).metrics(session)),
      ),
    dashboardCommand(grammar),
    notifyGroup(grammar),
    unitGroup(grammar),
    purgeCommand(grammar),
  ].map((command) => command.helpGroup("Daemon:"));
}

function dashboardCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("dashboard", "opens the web dashboard of this machine, and prints its link")
    .option("--port <n>", "where it is, from now on; 0 takes any that is free", whole(0, 65_535))
    .addHelpText("after", "\nExamples:\n  td dashboard\n  td dashboard --port 8080\n")
    .action((options, self) =>
      grammar.run(self, async (s) => (await import("./dashboard.ts")).dashboard(s, options)),
    );
}

function notifyGroup(grammar: Grammar): AnyCommand {
  return grammar.group("notify", "how you are told that you are needed: test", [
    grammar
      .command("test", "sends one notification by each channel, and says what became of it")
      .action((_, self) =>
        grammar.run(self, async (s) => (await import("./notify.ts")).testNotify(s)),
      ),
  ]);
}

function unitGroup(grammar: Grammar): AnyCommand {
  const page = () => import("./unit.ts");
  return grammar.group("service", "starts the daemon with the machine: print, install, uninstall", [
    grammar
      .command("print", "the systemd unit or launchd job of this home, as install writes it")
      .action((_, self) => grammar.run(self, async (s) => (await page()).printUnit(s))),
    grammar
      .command("install", "writes it, and enables it where that can be done")
      .action((_, self) => grammar.run(self, async (s) => (await page()).installUnit(s))),
    grammar
      .command("uninstall", "disables and removes it")
      .action((_, self) => grammar.run(self, async (s) => (await page()).uninstallUnit(s))),
  ]);
}

function purgeCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("purge", "removes everything TaskDaemon keeps, after asking")
    .option("--yes", "do not ask")
    .option("--branches", "also the branches that loops of this home delivered")
    .action((options, self) =>
      grammar.run(self, async (s) => (await import("./purge.ts")).purge(s, options)),
    );
}

/** How the daemon starts itself. */
export function daemonCommand(grammar: Grammar): AnyCommand {
  return grammar
    .command("daemon", "the daemon itself")
    .option("--guardian", "restart it when it crashes")
    .action((options, self) =>
      grammar.run(self, async (session) => (await import("./daemon.ts")).serve(session, options)),
    );
}
