import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { explainLoopType } from "../adapters/config/explain-loop-type.ts";
import { initFile } from "../adapters/config/init-file.ts";
import { readText } from "../adapters/config/read-text.ts";
import { configJsonSchema } from "../adapters/config/schema.ts";
import { showConfig } from "../adapters/config/show-config.ts";
import { resolveRepository } from "../adapters/git/repository.ts";
import { repairStore, type StoreReport, verifyStore } from "../adapters/store/repair.ts";
import { runMockLlm } from "../mock-llm/mock-llm.ts";
import { ScenarioInvalid } from "../mock-llm/scenario-text.ts";
import { WorktreeError } from "../ports.ts";
import type { Reader } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type {
  ConfigView,
  InitView,
  MockLlmRequest,
  Place,
  Program,
  StoreCheck,
} from "../protocol/program.ts";
import { timeOf } from "../views/loop-view.ts";
import { systemClock } from "./clock.ts";
import { runDemo } from "./demo.ts";
import { detectIn, doctor } from "./doctor.ts";
import { openDoor } from "./door.ts";
import { asUserError } from "./errors.ts";
import { createReader, find, openRecords, readingTrees, readLog } from "./reader.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig, loadRepositoryTypes } from "./world.ts";

/** Everything the command line can ask for, in this process. */
export function createProgram(around: Surroundings): Program {
  return guarded({
    openDoor: async ({ home }) => guarded(await openDoor(around, home)),
    openReader: async ({ home }) => guarded(openReader(around, home)),
    doctor: (place, signal) => doctor(around, place, signal),
    initFile: (place) => describeInit(around, place),
    writeInit: ({ file, text }) => writeFile(file, text, { flag: "wx" }),
    config: (place) => viewConfig(around, place),
    configSchema: () => configJsonSchema(),
    ...typePages(around),
    ...storePages(),
    ...treePages(around),
    mockLlm: (request, signal) => serveModel(request, signal),
    demo: (request, signal) => runDemo(around, request, signal),
  });
}

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

function openReader(around: Surroundings, home: string): Reader {
  return createReader({
    home,
    state: async () => (await readLog(home, Number.POSITIVE_INFINITY)).state,
    events: async (from) => (await readLog(home, from)).events,
    now: systemClock.now,
    ...openRecords(around, home),
  });
}

async function describeInit(around: Surroundings, { home, dir }: Place): Promise<InitView> {
  const repository = await resolveRepository(dir, null);
  const file = join(repository.root, "taskdaemon.yml");
  const detected = await detectIn(around, home, dir);
  const text = initFile({ detected, target: null });
  return { file, text, exists: existsSync(file), detected: detected?.command ?? null };
}

async function viewConfig(around: Surroundings, { home, dir }: Place): Promise<ConfigView> {
  const repo = await rootOf(dir);
  const { config, origins, warnings } = loadRepositoryConfig(around, home, repo);
  loadRepositoryTypes(around, home, repo, config);
  const text = showConfig(config, origins, "yaml");
  return { text, json: JSON.parse(showConfig(config, origins, "json")), warnings };
}

function typePages(around: Surroundings): Pick<Program, "types" | "type"> {
  const load = async ({ home, dir }: Place) => {
    const repo = await rootOf(dir);
    const { config } = loadRepositoryConfig(around, home, repo);
    return loadRepositoryTypes(around, home, repo, config);
  };
  return {
    types: async (place) => {
      const types = await load(place);
      return types.list().map(({ name, description, origin }) => ({ name, description, origin }));
    },
    type: async (place, name) => {
      const types = await load(place);
      const explained = explainLoopType(types, name);
      const file = types.get(name)?.file;
      if (explained === null || file === undefined) {
        const known = types.list().map((type) => type.name);
        const message = `there is no loop type ${name} (there is ${known.join(", ")})`;
        throw new UserError(exitCodes.notFound, message);
      }
      return { ...explained, text: readText(file) ?? "" };
    },
  };
}

function storePages(): Pick<Program, "verifyStore" | "repairStore"> {
  return {
    verifyStore: async ({ home }) => checked(await verifyStore(home)),
    repairStore: async ({ home }) => {
      const report = await repairStore(home);
      const { ok } = checked(report.after);
      return { ok, json: report, lines: report.explanation };
    },
  };
}

function checked(report: StoreReport): StoreCheck {
  const { events, transactions, segments, tornBytes, problems } = report;
  const found = problems.map(
    ({ file, line, offset, what }) => `${file}:${line} (byte ${offset}): ${what}`,
  );
  const lines = [
    `${events} events in ${transactions} transactions, ${segments} segment${segments === 1 ? "" : "s"}`,
    ...(tornBytes > 0
      ? [
          `${tornBytes} bytes of an unfinished line at the end: harmless, the next start takes them off`,
        ]
      : []),
    ...found,
    problems.length === 0
      ? "the log is whole"
      : "td store repair keeps what is whole, and puts the rest aside",
  ];
  return { ok: problems.length === 0, json: report, lines };
}

function treePages(
  around: Surroundings,
): Pick<Program, "trash" | "restoreTrash" | "emptyTrash" | "shell"> {
  return {
    trash: async ({ home }) =>
      (await readingTrees(around, home).listTrash()).map(({ id, loop, removedAt }) => ({
        id,
        loop,
        removedAt: timeOf(removedAt),
      })),
    restoreTrash: async ({ home }, id) => {
      const trees = readingTrees(around, home);
      const loop = await trees.restoreTrash(id);
      return (await trees.shellEntry(loop)).dir;
    },
    emptyTrash: ({ home }) => readingTrees(around, home).emptyTrash(0),
    shell: async ({ home }, id) => {
      const loop = find((await readLog(home, Number.POSITIVE_INFINITY)).state, id);
      return readingTrees(around, home).shellEntry(loop.id);
    },
  };
}

async function serveModel(request: MockLlmRequest, signal: AbortSignal): Promise<void> {
  try {
    await runMockLlm({ ...request, signal });
  } catch (error) {
    if (!(error instanceof ScenarioInvalid)) throw error;
    throw new UserError(exitCodes.invalid, error.message, { cause: error });
  }
}

/** Null outside of a repository: then the user's own configuration is all there is. */
async function rootOf(dir: string): Promise<string | null> {
  try {
    return (await resolveRepository(dir, null)).root;
  } catch (error) {
    if (error instanceof WorktreeError) return null;
    throw error;
  }
}
