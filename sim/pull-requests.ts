import type { Proposal, Proposed, PullRequests } from "../src/ports/pull-requests.ts";
import type { GitOutside, SimRepository } from "./git.ts";

/** One pull request for each branch, however often it is asked for. */
export class SimPullRequests implements PullRequests {
  readonly #repository: SimRepository;
  readonly #outside: GitOutside;

  constructor(repository: SimRepository, outside: GitOutside) {
    this.#repository = repository;
    this.#outside = outside;
  }

  async open({ branch, commit, base }: Proposal): Promise<Proposed> {
    await this.#outside.step("push");
    const { branches, pullRequests } = this.#repository;
    if (branches.get(branch) !== commit) return { type: "refused", reason: `no ${branch} to push` };
    const known = pullRequests.get(branch);
    await this.#outside.step("propose");
    const url = known ?? `https://example.org/pull/${pullRequests.size + 1}?to=${base}`;
    pullRequests.set(branch, url);
    return { type: "opened", url };
  }
}
