/** How a reply of a model ended, in words; what is not known is told as it is. */
const words: Readonly<Record<string, string>> = {
  endTurn: "ends its turn",
  toolUse: "calls tools",
  maxTokens: "cut at its longest",
  refusal: "refuses",
};

export function replyWords(stopReason: string): string {
  return words[stopReason] ?? stopReason;
}
