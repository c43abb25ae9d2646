import { z } from "zod";
import { loopStatuses } from "../../core/loop.ts";
import { listOf, pathInside, whole } from "./fields.ts";
import { problemsOf } from "./issues.ts";
import { keysOf } from "./keys.ts";
import { ConfigError } from "./problem.ts";
import { readYaml } from "./yaml-document.ts";

const textMax = 1_000_000;
const text = z.string({ error: "expected a text" }).min(1).max(textMax);
const filesByPath = z.record(pathInside(), z.string({ error: "expected a text" }).max(textMax));

/** A file of `tests/` beside loop types: a repository, a scripted model, and what must come out. */
const typeTestSchema = z.strictObject({
  type: text.describe("Type of the loop."),
  task: text.describe("What the loop is told."),
  set: z.record(z.string(), text).optional().describe("Values of parameters."),
  files: filesByPath
    .optional()
    .describe("The repository, by path; what begins with #! can be run."),
  validate: text.optional().describe("The validation command."),
  scenario: z.unknown().describe("What the model says: a scenario of td mock-llm."),
  expect: z
    .strictObject({
      status: z.enum(loopStatuses).optional().describe("By default complete."),
      iterations: whole(0, 1_000).optional().describe("How many it takes."),
      loops: whole(1, 10_000).optional().describe("How many there are in the end, itself one."),
      files: filesByPath.optional().describe("What delivered files contain, by path."),
      prompts: listOf(text, "texts")
        .optional()
        .describe("What the model was told, in any request."),
    })
    .optional(),
});

export type TypeTest = z.output<typeof typeTestSchema>;

const keys = keysOf(typeTestSchema);

/** Throws ConfigError with every problem and its place. */
export function readTypeTest(file: string, written: string): TypeTest {
  const document = readYaml(file, written);
  if (document.problems.length > 0) throw new ConfigError(document.problems);
  const parsed = typeTestSchema.safeParse(document.value);
  if (parsed.success) return parsed.data;
  throw new ConfigError(problemsOf(parsed.error.issues, document, keys));
}
