import type { Document } from "./documents.ts";
import type { OwnLimits } from "./loop.ts";

interface Types {
  get(name: string): { readonly model?: string; readonly limits?: OwnLimits } | null;
}

/** Names the model and the limits of each document that becomes a loop, where its type has them. */
export function withTypes(documents: readonly Document[], types: Types): readonly Document[] {
  return documents.map((document) => {
    const type = document.becomes === null ? null : types.get(document.becomes);
    if (type === null) return document;
    const { model, limits } = type;
    return {
      ...document,
      ...(model === undefined ? {} : { model }),
      ...(limits === undefined ? {} : { limits }),
    };
  });
}
