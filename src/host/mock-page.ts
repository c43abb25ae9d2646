import { runMockLlm } from "../mock-llm/mock-llm.ts";
import { ScenarioInvalid } from "../mock-llm/scenario-text.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { MockLlmRequest } from "../protocol/program.ts";

export async function serve(request: MockLlmRequest, signal: AbortSignal): Promise<void> {
  try {
    await runMockLlm({ ...request, signal });
  } catch (error) {
    if (!(error instanceof ScenarioInvalid)) throw error;
    throw new UserError(exitCodes.invalid, error.message, { cause: error });
  }
}
