import { availableParallelism } from "node:os";
import { staysInside } from "./fields.ts";
import { matches } from "./keys.ts";
import { type Layer, leafPaths } from "./layer.ts";
import type { Problem } from "./problem.ts";
import { type Config, configSchema } from "./schema.ts";
import { holdsPassword, isSecretName, type Refused } from "./substitute.ts";
import { valueAt } from "./tree.ts";

/** What the user allows, and what a repository asks for: true when that is no more. */
type Allows = (users: unknown, projects: unknown) => boolean;

/** Commands that run at once when the user said `auto`. */
const commandsAuto = 2 * availableParallelism();

const notMore: Allows = (users, projects) => asLimit(projects) <= asLimit(users);
const same: Allows = (users, projects) => JSON.stringify(users) === JSON.stringify(projects);
const fewerHosts: Allows = (users, projects) =>
  (projects as string[]).every((host) => (users as string[]).some((wide) => covers(wide, host)));

type Rule = readonly [path: string, allows: Allows, sentence: string];

const lowered = "may only be lowered by a repository";
const rates = [
  "concurrency",
  "requests-per-minute",
  "input-tokens-per-minute",
  "output-tokens-per-minute",
];

/** A repository is not trusted: of these keys it may only take away. */
const rules: readonly Rule[] = [
  ["concurrency.loops", notMore, lowered],
  ["concurrency.per-type.*", notMore, lowered],
  ["concurrency.commands", notMore, lowered],
  ["daemon.memory", same, "cannot be changed by a repository"],
  ["daemon.disk-free", same, "cannot be changed by a repository"],
  ["budget.day-usd", notMore, lowered],
  ["budget.plan-usd", notMore, lowered],
  ["budget.loop-usd", notMore, lowered],
  ["budget.loop-tokens", notMore, lowered],
  ["sandbox.level", levelAllows, "cannot be turned off by a repository"],
  ["sandbox.uid", same, "cannot be changed by a repository"],
  ["sandbox.network.allow", fewerHosts, "cannot be widened by a repository"],
  ["sandbox.memory", notMore, lowered],
  ["sandbox.processes", notMore, lowered],
  ["worktree.setup-network", fewerHosts, "cannot be widened by a repository"],
  ...rates.map((rate): Rule => [`llm.providers.*.${rate}`, notMore, lowered]),
  ...rates.map((rate): Rule => [`llm.providers.*.models.*.${rate}`, notMore, lowered]),
  // With these a repository could have the user's key sent to a host of its own …
  ["llm.providers.*.kind", same, "cannot be set by a repository"],
  ["llm.providers.*.base-url", same, "cannot be set by a repository"],
  ["llm.providers.*.api-key-env", same, "cannot be set by a repository"],
  ["llm.providers.*.api-key-file", same, "cannot be set by a repository"],
  // … with these what its loops say would leave this machine, or be run with the user's rights …
  ["notify.events", same, "cannot be set by a repository"],
  ["notify.desktop", same, "cannot be set by a repository"],
  ["notify.webhook", same, "cannot be set by a repository"],
  ["notify.webhook-secret-env", same, "cannot be set by a repository"],
  ["notify.command", same, "cannot be set by a repository"],
  // … and with these a budget would never run out.
  ["llm.prices.*.input", same, "cannot be set by a repository"],
  ["llm.prices.*.output", same, "cannot be set by a repository"],
  ["llm.prices.*.cache-read", same, "cannot be set by a repository"],
  ["llm.prices.*.cache-write", same, "cannot be set by a repository"],
];

/** Where a repository asks for more than the user allows. */
export function looseningOf(
  project: Layer,
  users: Config,
  environment: Layer,
  userFiles: readonly string[],
): readonly Problem[] {
  const remedy = `if you trust this repository, write it in ${userFiles[0] ?? "the user-level file"}`;
  const asked = configSchema.parse(project.value);
  const problems: Problem[] = [];
  for (const path of leafPaths(project.value)) {
    const rule = rules.find(([pattern]) => matches(pattern.split("."), path));
    if (rule === undefined || valueAt(environment.value, path) !== undefined) continue;
    const [, allows, sentence] = rule;
    if (allows(valueAt(users, path), valueAt(asked, path))) continue;
    problems.push(problemAt(project, path, `${path.join(".")} ${sentence}`, remedy));
  }
  for (const [path, sentence] of serversTooFree(asked, users)) {
    problems.push(problemAt(project, path, `${path.join(".")} ${sentence}`, remedy));
  }
  for (const [index, path] of asked.loops.paths.entries()) {
    if (staysInside(path)) continue;
    const message = "loops.paths of a repository must stay inside it";
    problems.push(problemAt(project, ["loops", "paths", index], message, null));
  }
  return problems;
}

type TooFree = readonly [path: readonly string[], sentence: string];

/** A repository's program gets no more than its commands do, and nothing that is another's. */
function serversTooFree(asked: Config, users: Config): readonly TooFree[] {
  return Object.entries(asked.mcp.servers).flatMap(([name, server]): readonly TooFree[] => {
    const path = ["mcp", "servers", name];
    if (Object.hasOwn(users.mcp.servers, name)) {
      return [[path, "is a server of the user and cannot be changed by a repository"]];
    }
    const hosts = server["network-allow"];
    const isWider = !fewerHosts(users.sandbox.network.allow, hosts);
    const wider: TooFree = [[...path, "network-allow"], "cannot be widened by a repository"];
    const keyed: TooFree = [[...path, "env"], "cannot be set by a repository"];
    return [...(isWider ? [wider] : []), ...(server.env.length > 0 ? [keyed] : [])];
  });
}

/** Keys that are of no use in a repository: it could only repeat what the user wrote. */
export function isForUsersAlone(path: readonly string[]): boolean {
  return rules.some(([pattern, allows]) => {
    const key = pattern.replace(/\.\*.*$/, "").split(".");
    const covered = key.length <= path.length && key.every((part, index) => part === path[index]);
    return allows !== notMore && covered;
  });
}

/** The variables that the configuration names for secrets. */
export function secretVariables({ llm, notify }: Config): readonly string[] {
  const keys = Object.values(llm.providers).map((provider) => provider["api-key-env"]);
  return [...keys, notify["webhook-secret-env"]].filter((name) => typeof name === "string");
}

/** Variables that a repository must not be able to put into commands, prompts and logs. */
export function secretNames(users: Config): Refused {
  // Of servers not above: a token that one is given may be your own git's, too.
  const passed = Object.values(users.mcp.servers).flatMap(({ env }) => env);
  const named = [...secretVariables(users), ...passed];
  return (name, value) => named.includes(name) || isSecretName(name) || holdsPassword(value);
}

function problemAt(
  layer: Layer,
  path: readonly (string | number)[],
  message: string,
  suggestion: string | null,
): Problem {
  const origin = layer.originOf(path);
  return origin.from === "file"
    ? { file: origin.file, line: origin.line, column: origin.column, message, suggestion }
    : { file: "", line: null, column: null, message, suggestion };
}

/** No limit is the widest limit. */
function asLimit(value: unknown): number {
  if (value === "auto") return commandsAuto;
  return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
}

function levelAllows(users: unknown, projects: unknown): boolean {
  return users === "off" || projects === "required";
}

/** Whether a pattern of hosts lets at least those of the other one through. */
function covers(wide: string, narrow: string): boolean {
  const [a, b] = [wide.toLowerCase(), narrow.toLowerCase()];
  return a === b || (a.startsWith("*.") && b.endsWith(a.slice(1)));
}
