import { z } from "zod";
import { noticeEvents } from "../../core/notice.ts";
import {
  command,
  dollars,
  duration,
  hostName,
  key,
  listOf,
  modelId,
  modelName,
  pathInside,
  pattern,
  price,
  section,
  sectionErrors,
  serverName,
  size,
  toolServer,
  variableName,
  webAddress,
  whole,
} from "./fields.ts";
import { newestVersion } from "./migrate.ts";

function autoOr<Other extends z.ZodType>(other: Other, error: string) {
  return z.union([z.literal("auto"), other], { error });
}

const rates = {
  concurrency: whole(1, 10_000).optional().describe("Requests in flight at once."),
  "requests-per-minute": whole(1, 1_000_000).optional().describe("Requests begun per minute."),
  "input-tokens-per-minute": whole(1, 1_000_000_000)
    .optional()
    .describe("Input tokens per minute."),
  "output-tokens-per-minute": whole(1, 1_000_000_000)
    .optional()
    .describe("Output tokens per minute."),
};

const provider = z.strictObject(
  {
    kind: z
      .enum(["anthropic", "openai"])
      .optional()
      .describe("Protocol spoken; `anthropic` for anthropic, else `openai`."),
    "api-key-env": variableName().optional().describe("Environment variable that holds the key."),
    "api-key-file": z
      .string({ error: "expected a path" })
      .min(1, { error: "expected a path" })
      .optional()
      .describe("File that holds the key, instead of a variable."),
    "base-url": webAddress().optional().describe("Address of the API."),
    "output-tokens-max": whole(1, 1_000_000)
      .optional()
      .describe("Most output tokens of one reply."),
    ...rates,
    models: z
      .record(modelId(), z.strictObject(rates, { error: sectionErrors }), { error: sectionErrors })
      .optional()
      .describe("What single models may, by name: within `concurrency`, in place of the rates."),
  },
  { error: sectionErrors },
);

const modelPrice = z.strictObject(
  {
    input: price().describe("Dollars per million input tokens."),
    output: price().describe("Dollars per million output tokens."),
    "cache-read": price().optional().describe("Tokens read from the cache; default `input`."),
    "cache-write": price().optional().describe("Tokens written to the cache; default `input`."),
  },
  { error: sectionErrors },
);

const nameError = "expected a name of lower-case letters, digits and -";
const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, { error: nameError });

const llm = section(
  {
    default: key(modelName(), "anthropic/claude-sonnet-5-5", "Model of every loop."),
    escalation: key(
      modelName().nullable(),
      null,
      "Stronger model that a stuck loop is given once, before a person is asked.",
    ),
    fallback: key(
      modelName().nullable(),
      null,
      "Model that stands in while a loop's own is parked for longer than retry-after-max.",
    ),
    "stall-timeout": key(
      duration("1s", "1h"),
      "90s",
      "A reply that makes no progress for so long is cut and tried again; pings do not count.",
    ),
    "retry-after-max": key(
      duration("0s", "1h"),
      "60s",
      "A longer Retry-After parks the model, and loops wait in the queue instead.",
    ),
    providers: key(
      z.record(name, provider, { error: sectionErrors }),
      {},
      "Model APIs by name. `anthropic`, `openai` and `ollama` are known without.",
    ),
    prices: key(
      z.record(modelName(), modelPrice, { error: sectionErrors }),
      {},
      "Prices by provider/model, where the built-in table is wrong or silent.",
    ),
  },
  "Models, and how they are reached.",
);

const limits = {
  concurrency: section(
    {
      loops: key(whole(1, 10_000), 50, "Loops that run at once."),
      "per-type": key(
        z.record(name, whole(1, 10_000), { error: sectionErrors }),
        {},
        "Loops of one type that run at once, for example `{ ralph: 40 }`.",
      ),
      commands: key(
        autoOr(whole(1, 10_000), "expected auto, or a whole number from 1 to 10000"),
        "auto",
        "Sandboxed commands that run at once; auto is two per core.",
      ),
    },
    "How much runs side by side.",
  ),
  queue: section(
    {
      max: key(whole(1, 1_000_000), 10_000, "Loops that may wait; more are rejected."),
      aging: key(
        duration("1s", "7d"),
        "5m",
        "After so long every second start is that of the loop that waited longest, whatever its priority.",
      ),
      poll: key(duration("1s", "1h"), "10s", "Safety poll; work starts on events, not on this."),
    },
    "Work that waits.",
  ),
  daemon: section(
    {
      memory: key(
        size("64MB", "100TB"),
        "4GB",
        "While the daemon's own process takes more, nothing new starts; far above it, loops that run are parked, the least urgent first.",
      ),
      "disk-free": key(
        size("1MB", "1000TB"),
        "1GB",
        "While less is free on the disk of the home, nothing new starts; what runs goes on.",
      ),
    },
    "What the daemon leaves to others.",
  ),
  budget: section(
    {
      "day-usd": key(dollars().nullable(), null, "Dollars a day, for everything."),
      "plan-usd": key(dollars().nullable(), null, "Dollars for a plan and all below it."),
      "loop-usd": key(dollars().nullable(), null, "Dollars for one loop."),
      "loop-tokens": key(
        whole(1, 1_000_000_000_000).nullable(),
        null,
        "Tokens of all kinds for one loop.",
      ),
    },
    "Limits of spending; null is none. A call that could pass one is not made.",
  ),
};

/** What a loop type may set for its loops. */
export const loopFields = {
  iteration: {
    max: whole(1, 100_000),
    "max-turns": whole(1, 10_000),
    timeout: duration("1s", "20d"),
  },
  validation: {
    command: autoOr(command(), "expected auto or a shell command"),
    "success-exit-code": whole(0, 255),
    timeout: duration("1s", "24h"),
    protect: listOf(pattern(), "glob patterns"),
    "stuck-after": whole(2, 1_000),
  },
};

const work = {
  validation: section(
    {
      command: key(
        loopFields.validation.command,
        "auto",
        "Shell command that decides whether work is done; auto detects it.",
      ),
      "success-exit-code": key(
        loopFields.validation["success-exit-code"],
        0,
        "Exit code that means it passed.",
      ),
      timeout: key(loopFields.validation.timeout, "10m", "Longest run; longer is not a pass."),
      protect: key(
        loopFields.validation.protect,
        [],
        "Files that loops may not change unasked, besides the built-in ones.",
      ),
      "stuck-after": key(
        loopFields.validation["stuck-after"],
        3,
        "So many equal failures in a row mean that a loop is stuck.",
      ),
    },
    "The command that gives the verdict.",
  ),
  iteration: section(
    {
      max: key(loopFields.iteration.max, 100, "Iterations before a loop has failed."),
      "max-turns": key(loopFields.iteration["max-turns"], 50, "Model calls in one iteration."),
      timeout: key(
        loopFields.iteration.timeout,
        "15m",
        "Longest iteration, validation not counted.",
      ),
    },
    "One fresh conversation, ended by a verdict.",
  ),
};

const places = {
  worktree: section(
    {
      link: key(
        autoOr(
          listOf(pathInside(), "paths"),
          "expected auto, or a list of paths in the repository",
        ),
        "auto",
        "Installed dependencies of your checkout that worktrees link to, read-only.",
      ),
      copy: key(listOf(pathInside(), "paths"), [], "Ignored files that each worktree is given."),
      setup: key(
        autoOr(command(), "expected auto, null or a shell command").nullable(),
        "auto",
        "Command run in a new worktree, for example `npm ci`; auto and null run none.",
      ),
      "setup-network": key(
        listOf(hostName(), "host names"),
        [],
        "Hosts that the set-up command may reach.",
      ),
      ports: key(
        whole(0, 20),
        0,
        "Ports of its own for each loop at work: TD_PORT is the first, TD_PORTS says how many.",
      ),
      "disk-quota": key(size("1MB", "1000TB"), "20GB", "Disk for all worktrees together."),
      "keep-trash": key(duration("0s", "3650d"), "7d", "How long removed worktrees are kept."),
    },
    "The directory that each loop works in.",
  ),
  git: section(
    {
      target: key(
        z
          .string({ error: "expected a branch name" })
          .regex(/^(?![-/.])(?!.*(\.\.|@\{|\/\/|\.lock$))[^\s~^:?*[\\\p{Cc}]{1,200}$/u, {
            error: "expected a branch name",
          }),
        "main",
        "Branch that finished plans are meant for.",
      ),
      deliver: key(
        z.enum(["branch", "merge", "pr", "none"]),
        "branch",
        "Where finished work goes: a branch of its own, the target, a pull request, nowhere.",
      ),
      "merge-batch": key(
        whole(1, 64),
        1,
        "Works of a merge queue that one validation run may speak for; then only their last commit is validated.",
      ),
    },
    "Where work ends up.",
  ),
  sandbox: section(
    {
      level: key(
        z.enum(["required", "off"]),
        "required",
        "`off` runs a model's commands with your own rights.",
      ),
      uid: key(
        whole(1, 4_294_967_293),
        65_534,
        "User id that commands are dropped to when the daemon runs as root.",
      ),
      network: section(
        { allow: key(listOf(hostName(), "host names"), [], "Hosts that commands may reach.") },
        "Network of commands; none by default.",
      ),
      memory: key(size("16MB", "100TB"), "4GB", "Memory of one command and all it starts."),
      processes: key(whole(1, 1_000_000), 512, "Processes of one command."),
    },
    "What confines the commands of a model.",
  ),
};

const notify = section(
  {
    events: key(
      listOf(
        z.enum(noticeEvents, { error: `expected some of ${noticeEvents.join(", ")}` }),
        "events",
      ),
      noticeEvents,
      "What you want to be told of while you do not look.",
    ),
    desktop: key(
      z.enum(["auto", "off"]),
      "auto",
      "Notifications of the desktop: by `notify-send` or `osascript`, where there is one.",
    ),
    webhook: key(webAddress().nullable(), null, "Address that each notification is posted to."),
    "webhook-secret-env": key(
      variableName().nullable(),
      null,
      "Environment variable of the daemon with the secret that signs what is posted.",
    ),
    command: key(
      command().nullable(),
      null,
      "Shell command run as you for each notification, which it reads as JSON from its input.",
    ),
  },
  "How you are told that you are needed.",
);

const hook = (when: string) => key(command().nullable(), null, `Shell command run ${when}.`);

/** The one truth about `taskdaemon.yml`: types, checks, defaults and JSON Schema come from here. */
export const configSchema = z.strictObject({
  llm,
  ...limits,
  ...work,
  ...places,
  mcp: section(
    {
      servers: key(
        z.record(serverName(), toolServer(), { error: sectionErrors }),
        {},
        "Programs by name: a loop type has the tools of one as `mcp_NAME`.",
      ),
    },
    "Tools of other programs, by the Model Context Protocol.",
  ),
  loops: section(
    {
      paths: key(
        listOf(
          z.string({ error: "expected a path" }).min(1, { error: "expected a path" }),
          "paths",
        ),
        [],
        "Further directories of loop types; relative to this file.",
      ),
    },
    "Loop types besides the built-in ones and those in `.taskdaemon/loops`.",
  ),
  hooks: section(
    {
      "before-iteration": hook("before each iteration"),
      "after-iteration": hook("after each iteration"),
      "before-validation": hook("before each validation"),
      "after-validation": hook("after each validation"),
      "on-complete": hook("when a loop is complete"),
      "on-fail": hook("when a loop has failed"),
      "on-blocked": hook("when a loop needs a person"),
    },
    "Commands of yours at moments of a loop's life: a repository's in the sandbox, a user's as the user.",
  ),
  notify,
});

/** Durations are milliseconds, sizes bytes. */
export type Config = z.output<typeof configSchema>;

/** For editors: what a person may write, with every default. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: "input", target: "draft-7" });
  const version = { type: "integer", enum: [newestVersion], description: "Format of this file." };
  return { title: "taskdaemon.yml", ...schema, properties: { version, ...schema.properties } };
}
