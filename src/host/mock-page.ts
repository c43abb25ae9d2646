import { codeOf, said } from "../adapters/store/errors.ts";
import { runMockLlm } from "../mock-llm/mock-llm.ts";
import { ScenarioInvalid } from "../mock-llm/scenario-text.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { MockLlmRequest } from "../protocol/program.ts";

/** Of the port, the command line tells. */
const unread = new Set(["ENOENT", "EISDIR"]);

export async function serve(request: MockLlmRequest, signal: AbortSignal): Promise<void> {
  try {
    await runMockLlm({ ...request, signal });
  } catch (error) {
    if (error instanceof ScenarioInvalid) {
      throw new UserError(exitCodes.invalid, error.message, { cause: error });
    }
    if (!unread.has(codeOf(error) ?? "")) throw error;
    const message = `cannot read the scenario ${request.scenarioFile}: ${said(error)}`;
    throw new UserError(exitCodes.invalid, message, { cause: error });
  }
}
