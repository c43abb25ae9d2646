import type { Program } from "../protocol/program.ts";
import { asUserError } from "./errors.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Everything the command line can ask for, in this process. Each page is loaded when it is asked
 * for: `td list` needs no model client.
 */
export function createProgram(around: Surroundings): Program {
  const pages = () => import("./pages.ts");
  return guarded({
    version: around.version,
    openReader: async ({ home }) => {
      const { openReader } = await import("./reader.ts");
      return guarded(openReader(around, home));
    },
    plan: async ({ home }, request, options) =>
      (await import("./settle.ts")).planAlone(around, home, request, options),
    daemon: async ({ home }) => (await import("./control.ts")).connect(home),
    startDaemon: async ({ home }) => (await import("./control.ts")).startDaemon(around, home),
    stopDaemon: async ({ home }, options) =>
      (await import("./control.ts")).stopDaemon(home, options),
    runDaemon: async ({ home, onSignal }) => {
      const { runDaemon, withHand } = await import("./daemon.ts");
      const options = { version: around.version, onSignal };
      return withHand(around, home, () => runDaemon(around, home, options));
    },
    guardDaemon: async ({ home, onSignal }) => {
      const { guard } = await import("./guardian.ts");
      const argv = [...around.self, "daemon", "--home", home] as const;
      return guard({ argv: argv as unknown as [string, ...string[]], env: around.env, onSignal });
    },
    doctor: async (place, signal) => (await import("./doctor.ts")).doctor(around, place, signal),
    initFile: async (place) => (await pages()).describeInit(around, place),
    writeInit: async (view) => (await pages()).writeInit(view),
    config: async (place) => (await pages()).viewConfig(around, place),
    configSchema: async () => (await pages()).configJsonSchema(),
    ...configVersions(around),
    types: async (place) => (await pages()).listTypes(around, place),
    type: async (place, name) => (await pages()).explainType(around, place, name),
    ...homePages(around),
    shell: async ({ home }, id) => (await import("./tree-pages.ts")).enter(around, home, id),
    mockLlm: async (request, signal) => (await import("./mock-page.ts")).serve(request, signal),
    demo: async (request, signal) => (await import("./demo.ts")).runDemo(around, request, signal),
  });
}

/** About what lies under a home, daemon or none. */
function homePages(around: Surroundings) {
  return {
    testTypes: async (place, directory, tell) =>
      (await import("./types-test.ts")).testTypes(around, place, directory, tell),
    verifyStore: async ({ home }) => (await import("./store-pages.ts")).checkStore(home),
    repairStore: async ({ home }) => (await import("./store-pages.ts")).mendStore(home),
    snapshotStore: async ({ home }) => (await import("./store-pages.ts")).snapshot(home),
    compactStore: async ({ home }, options) =>
      (await import("./store-pages.ts")).compact(home, options),
    backupStore: async ({ home }, file) => (await import("./store-pages.ts")).backUp(home, file),
    restoreStore: async ({ home }, file, options) =>
      (await import("./store-pages.ts")).restore(home, file, options),
    storeAt: async ({ home }, seq) => (await import("./store-pages.ts")).loopsAt(home, seq),
    auditRecords: async ({ home }, filter, tell) =>
      (await import("./audit-pages.ts")).listAudit(home, filter, tell),
    verifyAudit: async ({ home }) => (await import("./audit-pages.ts")).checkAudit(home),
    trash: async ({ home }) => (await import("./tree-pages.ts")).listTrash(around, home),
    restoreTrash: async ({ home }, id) =>
      (await import("./tree-pages.ts")).restoreTrash(around, home, id),
    emptyTrash: async ({ home }) => (await import("./tree-pages.ts")).emptyTrash(around, home),
    purgeView: async ({ home }, options) =>
      (await import("./purge.ts")).describePurge(around, home, options),
    purge: async ({ home }, options) => (await import("./purge.ts")).purge(around, home, options),
    unit: async ({ home }) => (await import("./unit.ts")).viewUnit(around, home),
    installUnit: async ({ home }) => (await import("./unit.ts")).installUnit(around, home),
    uninstallUnit: async ({ home }) => (await import("./unit.ts")).uninstallUnit(around, home),
  } satisfies Partial<Program>;
}

function configVersions(around: Surroundings): ConfigVersions {
  const pages = () => import("./config-pages.ts");
  return {
    configHistory: async (place) => (await pages()).configHistory(place),
    configRollback: async (place, id) => (await pages()).planRollback(around, place, id),
    configMigration: async (place) => (await pages()).planMigration(around, place),
    rewriteConfig: async (view) => (await pages()).rewriteFiles(view),
  };
}

type ConfigVersions = Pick<
  Program,
  "configHistory" | "configRollback" | "configMigration" | "rewriteConfig"
>;

/** The same object, whose failures are UserErrors wherever a person can mend them. */
function guarded<T extends object>(target: T): T {
  const entries = Object.entries(target).map(([name, value]) => [
    name,
    typeof value === "function" ? guardedCall(value) : value,
  ]);
  return Object.fromEntries(entries) as T;
}

function guardedCall(call: (...given: unknown[]) => unknown) {
  return (...given: unknown[]) => {
    const answer = call(...given);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      throw asUserError(error);
    });
  };
}
