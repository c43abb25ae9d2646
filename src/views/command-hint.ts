import { didYouMean } from "../core/did-you-mean.ts";

/** What is said of a slash command that there is not. */
export function commandHint(word: string, known: readonly string[]): string {
  const meant = didYouMean(word, known);
  const hint = meant === null ? "/help lists those there are" : `did you mean /${meant}?`;
  return `there is no /${word}: ${hint}`;
}
