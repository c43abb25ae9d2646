import { z } from "zod";
import { listOf, modelName, pathInside } from "./fields.ts";
import { loopFields } from "./schema.ts";

const nameError = "expected a name of lower-case letters, digits and -";

function text(what: string, charsMax: number) {
  const error = `expected ${what}`;
  return z.string({ error }).min(1, { error }).max(charsMax, { error });
}

const name = z.string({ error: nameError }).regex(/^[a-z][a-z0-9-]{0,62}$/, { error: nameError });

const folder = "expected a folder name such as specs";
const folderName = z.string({ error: folder }).regex(/^[a-z][a-z0-9-]{0,62}$/, { error: folder });
const ownName = "expected the name of a Markdown file such as plan.md";
const ownDocument = z.string({ error: ownName }).regex(/^[a-z][a-z0-9-]{0,62}\.md$/, {
  error: ownName,
});
const yesOrNo = z.boolean({ error: "expected true or false" });

const begets = z.strictObject({
  type: name.describe("Type of the loops that carry its documents out."),
  from: z
    .union([folderName, listOf(folderName, "folders")], {
      error: `${folder}, or a list of such names`,
    })
    .describe("Folder of the documents that become loops; of several the first that has any."),
  document: ownDocument.optional().describe("A document of its own that has to be there."),
  alone: yesOrNo.optional().describe("Without documents, one loop carries out what there is."),
  approval: yesOrNo.optional().describe("Whole documents wait for `td approve`."),
});

const pass = z.strictObject({
  name: text("a name", 80).describe("What the pass is called."),
  focus: text("what this pass looks at", 2_000).describe("What this pass looks at: `{{focus}}`."),
});

/** A loop type as a person writes it, `loops/<name>.yml`. Left out is left to taskdaemon.yml. */
export const loopTypeSchema = z.strictObject({
  name: name.describe("What `td run NAME` calls it."),
  description: text("one sentence", 1_000).describe("One sentence for `td types`."),
  parent: name.optional().describe("Type whose loops beget loops of this one."),
  begets: begets.optional().describe("What its documents become: it writes no code itself."),
  passes: listOf(pass, "passes")
    .optional()
    .describe("Looks at its documents, an iteration each, in this order."),
  prompt: pathInside().describe("Template of the first message, relative to this file."),
  system: pathInside().optional().describe("Template of the system prompt."),
  tools: listOf(text("the name of a tool", 200), "tools").describe("What the model may call."),
  model: modelName().optional().describe("Instead of `llm.default`."),
  iteration: z
    .strictObject(loopFields.iteration)
    .partial()
    .optional()
    .describe("See taskdaemon.yml."),
  validation: z
    .strictObject(loopFields.validation)
    .partial()
    .optional()
    .describe("See taskdaemon.yml; `protect` is added to it."),
});

export type LoopTypeDefinition = z.output<typeof loopTypeSchema>;

/** For editors. */
export function loopTypeJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(loopTypeSchema, { io: "input", target: "draft-7" });
  return { title: "TaskDaemon loop type", ...schema };
}
