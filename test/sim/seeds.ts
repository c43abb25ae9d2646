/**
 * Seeds that once failed, and what they found. They stay: a life changes when the simulator does,
 * but these are cheap, and the invariants that they led to are not.
 */
export const regressions: readonly (readonly [seed: number, found: string])[] = [
  [18, "a gate denied for ever: who never repairs it was granted more iterations without end"],
  [274, "a budget set below what was spent looked like spending beyond it"],
  [4064, "answers without end made prompts without end"],
  [198, "mail whose time was up while its answer was on the way to the disk was expired in a spin"],
  [664, "a check that a part shares with its level passed on the part and counted for the whole"],
  [6178, "taken from a merge queue while it was being started there, one ran above the limit"],
];
