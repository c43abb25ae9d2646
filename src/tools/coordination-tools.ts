import { bodyCharsMax, queryTimeoutMsMax, topicCharsMax } from "../core/message.ts";
import { defineTool, done, type Tool } from "./tool.ts";

const queryTimeoutMsDefault = 300_000;

const to = {
  type: "string",
  minLength: 1,
  maxLength: 200,
  description: "The id of a loop, such as 7.2.",
} as const;

function words(description: string) {
  return { type: "string", minLength: 1, maxLength: bodyCharsMax, description } as const;
}

/** Tells whoever listens to a topic. */
export const alert: Tool = defineTool({
  name: "alert",
  description: "Warns the other loops of your plan of something that touches their work.",
  inputSchema: {
    type: "object",
    properties: {
      topic: { ...words("A short subject, such as api-change."), maxLength: topicCharsMax },
      body: words("What they must know."),
    },
    required: ["topic", "body"],
    additionalProperties: false,
  },
  async run({ topic, body }) {
    return done(`the alert ${topic} is on its way`, { type: "alert", topic, body });
  },
});

/** Asks another loop. */
export const query: Tool = defineTool({
  name: "query",
  description:
    "Asks another loop a question, and waits for the answer while that loop is at work. Ask what " +
    "only it can know.",
  inputSchema: {
    type: "object",
    properties: {
      to,
      question: words("The question, with what is needed to answer it."),
      timeout_ms: {
        type: "integer",
        minimum: 1000,
        maximum: queryTimeoutMsMax,
        description: `How long to wait; ${queryTimeoutMsDefault} when left out.`,
      },
    },
    required: ["to", "question"],
    additionalProperties: false,
  },
  async run({ to: loop, question, timeout_ms: timeoutMs = queryTimeoutMsDefault }) {
    const text = `the question is on its way to ${loop}`;
    return done(text, { type: "query", to: loop, question, timeoutMs });
  },
});

/** Sends another loop something of use. */
export const share: Tool = defineTool({
  name: "share",
  description: "Sends another loop something that helps its work. No answer is expected.",
  inputSchema: {
    type: "object",
    properties: { to, body: words("What it should know.") },
    required: ["to", "body"],
    additionalProperties: false,
  },
  async run({ to: loop, body }) {
    return done(`it is on its way to ${loop}`, { type: "share", to: loop, body });
  },
});

/** Answers another loop's question. */
export const reply: Tool = defineTool({
  name: "reply",
  description:
    "Answers a question that another loop, or a person, sent you. Say what you know and go on.",
  inputSchema: {
    type: "object",
    properties: {
      query_id: {
        type: "string",
        minLength: 1,
        maxLength: 200,
        description: "The id that came with the question.",
      },
      answer: words("The answer."),
    },
    required: ["query_id", "answer"],
    additionalProperties: false,
  },
  async run({ query_id: queryId, answer }) {
    return done("the answer is on its way", { type: "reply", queryId, answer });
  },
});

/** Ends another loop's work. */
export const stopLoop: Tool = defineTool({
  name: "stop_loop",
  description:
    "Stops a loop below you, or beside you in your plan, at once and for good. Only for work that " +
    "nobody needs any more.",
  inputSchema: {
    type: "object",
    properties: { to, reason: { ...words("Why it should end."), maxLength: 500 } },
    required: ["to", "reason"],
    additionalProperties: false,
  },
  async run({ to: loop, reason }) {
    return done(`${loop} is told to stop`, { type: "stop", to: loop, reason });
  },
});

/** Asks the people; the loop waits until one answers. */
export const askPerson: Tool = defineTool({
  name: "ask_person",
  description:
    "Asks a person and ends this iteration; the loop goes on when it is answered, which may take " +
    "hours. Ask only what you cannot find out or decide, and call it alone.",
  inputSchema: {
    type: "object",
    properties: { question: words("The question, with the choices that you see.") },
    required: ["question"],
    additionalProperties: false,
  },
  async run({ question }) {
    return done("the question waits for a person", { type: "ask", question });
  },
});
