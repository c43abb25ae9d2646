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

const tools = listOf(text("the name of a tool", 200), "tools");
const passes = listOf(pass, "passes");
const iteration = z.strictObject(loopFields.iteration).partial();
const validation = z.strictObject(loopFields.validation).partial();

const valueError = "expected a text, a number, or true or false";
const parameterValue = z.union(
  [z.string({ error: valueError }).max(2_000, { error: valueError }), z.number(), z.boolean()],
  { error: valueError },
);
const bound = z.number({ error: "expected a number" });

/** What a loop type may be told besides its task. */
const parameterSchema = z.strictObject({
  description: text("a sentence", 1_000)
    .optional()
    .describe("One sentence for `td types explain`."),
  kind: z.enum(["text", "number", "boolean"]).optional().describe("By default that of `default`."),
  choices: z
    .array(parameterValue, { error: "expected a list of values" })
    .min(1, { error: "expected at least one value" })
    .max(100)
    .readonly()
    .optional()
    .describe("All values that it may have."),
  min: bound.optional().describe("Least number."),
  max: bound.optional().describe("Greatest number."),
  default: parameterValue.describe("Its value where nobody gives one."),
});

export type Parameter = z.output<typeof parameterSchema>;

const fields = {
  name: name.describe("What `td run NAME` calls it."),
  description: text("one sentence", 1_000).describe("One sentence for `td types`."),
  parent: name.optional().describe("Type whose loops beget loops of this one."),
  begets: begets.optional().describe("What its documents become: it writes no code itself."),
  passes: passes.optional().describe("Looks at its documents, an iteration each, in this order."),
  prompt: pathInside().describe("Template of the first message, relative to this file."),
  system: pathInside().optional().describe("Template of the system prompt."),
  tools: tools.describe("What the model may call."),
  parameters: z
    .record(name, parameterSchema)
    .optional()
    .describe("Values that templates name as `{{param.NAME}}` and `td run --set` may give."),
  model: modelName().optional().describe("Instead of `llm.default`."),
  iteration: iteration.optional().describe("See taskdaemon.yml."),
  validation: validation.optional().describe("See taskdaemon.yml; `protect` is added to it."),
};

/** A loop type, its bases included. Left out is left to taskdaemon.yml. */
export const loopTypeSchema = z.strictObject(fields);

export type LoopTypeDefinition = z.output<typeof loopTypeSchema>;

const { name: _, ...changeable } = fields;
const partly = {
  ...z.strictObject(changeable).partial().shape,
  begets: begets.partial().optional(),
  parameters: z.record(name, parameterSchema.partial()).optional(),
};

const appendable = z.strictObject({
  tools: tools.optional(),
  passes: passes.optional(),
  prompt: pathInside().optional().describe("A template that follows the prompt."),
  system: pathInside().optional().describe("A template that follows the system prompt."),
  begets: z.strictObject({ from: listOf(folderName, "folders") }).optional(),
  validation: z.strictObject({ protect: loopFields.validation.protect }).optional(),
});

const all = z.literal(true);
const some = z.union([all, listOf(text("an item", 1_000), "items")], {
  error: "expected a list of what goes, or true for all of it",
});
const someOf = (keys: readonly string[]) =>
  z.union([all, z.strictObject(Object.fromEntries(keys.map((key) => [key, some.optional()])))], {
    error: "expected true, which removes all of it, or keys below it",
  });

const removable = z.strictObject({
  ...{ parent: all.optional(), system: all.optional(), model: all.optional() },
  tools: some.optional(),
  passes: some.optional(),
  begets: someOf(Object.keys(begets.shape)).optional(),
  parameters: some.optional(),
  iteration: someOf(Object.keys(loopFields.iteration)).optional(),
  validation: someOf(Object.keys(loopFields.validation)).optional(),
});

/** A loop type as a person writes it, `loops/<name>.yml`: what bases say may be left out. */
export const typeFileSchema = z.strictObject({
  ...partly,
  name: fields.name,
  extends: z
    .union([name, listOf(name, "names")], { error: `${nameError}, or a list of such names` })
    .optional()
    .describe("Types that this one is made from; of what several say, the last one's holds."),
  override: z
    .strictObject(partly)
    .optional()
    .describe("Replaces what bases say, whole sections instead of key by key."),
  append: appendable.optional().describe("Added to the lists and templates of bases."),
  remove: removable.optional().describe("Taken out of what bases say."),
});

/** For editors. */
export function loopTypeJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(typeFileSchema, { io: "input", target: "draft-7" });
  return { title: "TaskDaemon loop type", ...schema };
}
