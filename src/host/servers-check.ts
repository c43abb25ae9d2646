import { searchPath } from "../adapters/sandbox/environment.ts";
import type { Check } from "../protocol/program.ts";
import { findProgram } from "./find-program.ts";
import type { Surroundings } from "./surroundings.ts";
import type { RepositoryWorld } from "./world.ts";

/** What a shell would take for something else than the name of a program on PATH. */
const plainName = /^[A-Za-z0-9_.-]+$/;

/** Whether the programs are there that MCP servers are started with; none is started. */
export async function checkServers(
  { config }: Pick<RepositoryWorld, "config">,
  { env }: Surroundings,
): Promise<readonly Check[]> {
  const { servers } = config.config.mcp;
  const checks = Object.entries(servers).map(async ([server, settings]): Promise<Check> => {
    const name = `mcp ${server}`;
    const [program = ""] = settings.command.trim().split(/\s/, 1);
    const isMissing = plainName.test(program) && !(await findProgram(program, searchPath(env)));
    const unset = settings.env.filter((variable) => env[variable] === undefined);
    const problems = [
      ...(isMissing ? [`there is no program ${program}`] : []),
      ...(unset.length > 0 ? [`${unset.join(", ")} is not set`] : []),
    ];
    if (problems.length === 0) {
      return { name, state: "ok", message: settings.command, remedy: null };
    }
    const remedy = `install it or set it, or mend mcp.servers.${server}`;
    return { name, state: "warning", message: problems.join("; "), remedy };
  });
  return Promise.all(checks);
}
