import type { Dice } from "./dice.ts";
import { type Fault, type Reply, type Rule, type Scenario, toRegExp } from "./scenario.ts";
import type { NormalRequest } from "./wire.ts";

/** Computes replies in code; null leaves the request to the rules. */
export type Policy = (request: NormalRequest) => Reply | null;

export interface Choice {
  readonly reply: Reply;
  readonly matched: number | "policy" | null;
  readonly fault: Fault | null;
}

/** A scenario being played: owns how often each rule has fired. */
export class Script {
  readonly #rules: readonly CompiledRule[];
  readonly #faults: NonNullable<Scenario["faults"]>;
  readonly #policy: Policy;

  constructor(scenario: Scenario, policy: Policy) {
    this.#rules = (scenario.replies ?? []).map(compile);
    this.#faults = scenario.faults ?? { rate: 0 };
    this.#policy = policy;
  }

  /** A chance fault uses up no rule, so that the story goes on when the client asks again. */
  choose(request: NormalRequest, dice: Dice): Choice {
    const chance = dice.next() < this.#faults.rate;
    const fault = chance ? dice.pick(this.#faults.kinds ?? usualFaults) : null;
    if (fault?.status !== undefined) return { reply: {}, matched: null, fault };

    const computed = this.#policy(request);
    if (computed !== null) {
      return { reply: computed, matched: "policy", fault: computed.fault ?? fault };
    }
    const index = this.#rules.findIndex((rule) => rule.firesLeft > 0 && rule.matches(request));
    const rule = this.#rules[index];
    if (rule === undefined) return { reply: { text: plainText }, matched: null, fault };
    if (fault === null || rule.reply.fault !== undefined) rule.firesLeft -= 1;
    return { reply: rule.reply, matched: index, fault: rule.reply.fault ?? fault };
  }
}

const plainText = "This is td mock-llm: no rule of the scenario matched.";

const usualFaults: readonly Fault[] = [
  { status: 529 },
  { status: 500 },
  { status: 429, "retry-after": 1 },
  { "cut-after": 3 },
  { "end-after": 3 },
  { "error-after": 3 },
];

interface CompiledRule {
  readonly reply: Rule;
  readonly matches: (request: NormalRequest) => boolean;
  firesLeft: number;
}

function compile(rule: Rule): CompiledRule {
  const wanted = testsOf(rule.match);
  const unwanted = testsOf(rule["not-match"]);
  const matches = ({ text, turn, protocol }: NormalRequest) =>
    (rule.turn ?? turn) === turn &&
    (rule.protocol ?? protocol) === protocol &&
    wanted.every((test) => test(text)) &&
    !unwanted.some((test) => test(text));
  return { reply: rule, matches, firesLeft: rule.times ?? Number.POSITIVE_INFINITY };
}

function testsOf(patterns: Rule["match"]): readonly ((text: string) => boolean)[] {
  return [patterns ?? []].flat().map((pattern) => {
    const expression = toRegExp(pattern);
    return expression instanceof RegExp
      ? (text) => expression.test(text)
      : (text) => text.includes(pattern);
  });
}
