import type { Config } from "../adapters/config/schema.ts";
import { secretVariables } from "../adapters/config/tighten.ts";
import { openPullRequest } from "../adapters/git/pull-requests.ts";
import { searchPath } from "../adapters/sandbox/environment.ts";
import type { PullRequests } from "../ports/pull-requests.ts";
import type { Redact, Worktrees } from "../ports.ts";
import { plain } from "../views/plain.ts";
import { bodyOf } from "../views/report-body.ts";
import { systemClock } from "./clock.ts";
import { findProgram } from "./find-program.ts";
import { readFeed } from "./reader.ts";
import { reportFor } from "./report.ts";
import type { Surroundings } from "./surroundings.ts";

interface Options {
  readonly around: Surroundings;
  readonly home: string;
  readonly worktrees: Pick<Worktrees, "diff">;
  readonly redact: Redact;
  readonly config: Config;
}

const titleCharsMax = 250;
/** Of the log at once. */
const eventsPageMax = 1_000;

/** Pull requests by the user's git and gh; their text is the evidence report. */
export function createPullRequests(options: Options): PullRequests {
  const { around, home, worktrees, redact, config } = options;
  const withheld = secretVariables(config);
  const { env, euid } = around;
  const findGh = () => findProgram("gh", searchPath(env));
  const sight = {
    events: (from: number) => readFeed(home, from, eventsPageMax),
    worktrees,
    now: systemClock.now,
    ...{ waitOf: () => null, stageOf: () => null },
  };
  return {
    open: async ({ state, loop, branch, commit, base }, signal) => {
      const report = await reportFor(sight, state, loop);
      const title = titleOf(redact(loop.title)) || `TaskDaemon ${loop.type} ${loop.id}`;
      const body = redact(bodyOf(report));
      const request = { repo: loop.repo, branch, commit, base, title, body };
      return openPullRequest({ env, euid, findGh, redact, withheld }, request, signal);
    },
  };
}

function titleOf(text: string): string {
  const letters = [...plain(text).replace(/\s+/gu, " ").trim()];
  return letters.length <= titleCharsMax
    ? letters.join("")
    : `${letters.slice(0, titleCharsMax - 1).join("")}…`;
}
