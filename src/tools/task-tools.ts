import { defineTool, done, type TodoItem, type Tool } from "./tool.ts";

/** The model's own list of what is left to do in this iteration. */
export const todo: Tool = defineTool({
  name: "todo",
  description:
    "Keeps your list of steps: give the whole list each time. Use it for work of several steps.",
  inputSchema: {
    type: "object",
    properties: {
      items: {
        type: "array",
        maxItems: 50,
        description: "All steps, in order.",
        items: {
          type: "object",
          properties: {
            text: { type: "string", minLength: 1, maxLength: 500, description: "The step." },
            status: {
              type: "string",
              enum: ["pending", "in_progress", "done"],
              description: "How far it is.",
            },
          },
          required: ["text", "status"],
          additionalProperties: false,
        },
      },
    },
    required: ["items"],
    additionalProperties: false,
  },
  async run({ items }, bench) {
    bench.todo.splice(0, bench.todo.length, ...items);
    return done(items.length === 0 ? "the list is empty" : items.map(drawn).join("\n"));
  },
});

/** The claim to be finished. */
export const completeTask: Tool = defineTool({
  name: "complete_task",
  description:
    "Says that the task is finished. Call it alone and last, when the validation passes: the " +
    "validation command is then run, and it decides.",
  inputSchema: {
    type: "object",
    properties: {
      summary: {
        type: "string",
        minLength: 1,
        maxLength: 10_000,
        description: "What you changed and why, in a few sentences.",
      },
    },
    required: ["summary"],
    additionalProperties: false,
  },
  async run({ summary }) {
    return done("noted: the validation decides now", { type: "complete", summary });
  },
});

const marks: Record<TodoItem["status"], string> = {
  pending: "[ ]",
  in_progress: "[>]",
  done: "[x]",
};

function drawn({ text, status }: TodoItem): string {
  return `${marks[status]} ${text.replace(/\s+/gu, " ")}`;
}
