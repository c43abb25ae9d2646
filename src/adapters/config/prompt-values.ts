import type { PromptValues } from "../../ports.ts";

export type VariableKind = "text" | "number" | "list";

/** Every variable of a template. The compiler keeps this the same as PromptValues. */
export const variableKinds: Readonly<
  Record<Exclude<keyof PromptValues, "param" | "repository">, VariableKind>
> = {
  id: "text",
  type: "text",
  title: "text",
  brief: "text",
  iteration: "number",
  "iterations-max": "number",
  "turns-max": "number",
  "validation-command": "text",
  baseline: "text",
  progress: "text",
  git: "text",
  interrupted: "text",
  answers: "text",
  messages: "text",
  protected: "list",
  tools: "list",
  "network-allow": "list",
  "output-dir": "text",
  pass: "number",
  passes: "number",
  focus: "text",
};

/** What a template is shown with, where there is no loop: everything has something to say. */
export const sampleValues: PromptValues = {
  id: "7.2.1",
  type: "ralph",
  title: "Refuse expired sessions",
  brief: "Requests with an expired session must be answered with 401.\n\nKeep the cookie's name.",
  iteration: 2,
  "iterations-max": 100,
  "turns-max": 50,
  "validation-command": "npm test",
  baseline: "`npm test` fails on the base commit already (exit code 1).",
  progress: "Iteration 1 failed with exit code 1.\n✗ session > refuses an expired one",
  git: "## HEAD (no branch)\n M src/session.ts",
  interrupted: "The last attempt was interrupted while it was working.",
  answers: "Q: Which clock? A: The server's.",
  messages: "From 7.2.2: the schema of sessions has changed.",
  protected: ["test/golden/**"],
  tools: ["read", "edit", "bash", "complete_task"],
  "network-allow": ["registry.npmjs.org"],
  "output-dir": ".td-out",
  pass: 3,
  passes: 5,
  focus: "edge cases: what can go wrong, and who sees it",
};
