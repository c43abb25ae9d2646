import { didYouMean } from "../../core/did-you-mean.ts";
import type { DocumentWork } from "../../ports/documents.ts";
import type { LoopTypeDefinition } from "./loop-type-schema.ts";
import type { LoadedLoopType } from "./loop-types.ts";
import { meant, type Problem, quoted } from "./problem.ts";
import { isTree } from "./tree.ts";
import type { KeyPath } from "./yaml-document.ts";

/** A type that names no passes looks at its documents once. */
const onePass = [{ name: "documents", focus: "the documents, whole and right" }];

/** What a type's loops write and what becomes of it; null for a type whose loops change code. */
export function documentWork({ begets, passes }: LoopTypeDefinition): DocumentWork | null {
  if (begets === undefined) return null;
  const { type, from, document, alone, approval } = begets;
  return {
    type,
    from: typeof from === "string" ? [from] : from,
    document: document ?? null,
    alone: alone ?? false,
    passes: passes === undefined || passes.length === 0 ? onePass : passes,
    approval: approval ?? false,
  };
}

/** `validation: documents` says what is so anyway for whatever begets; elsewhere it is refused. */
export function withoutBuiltInGate(value: unknown): unknown {
  return isTree(value) && "begets" in value ? withoutGateName(value) : value;
}

/** The same for a file alone: only with its bases is it known whether it begets. */
export function withoutGateName(value: unknown): unknown {
  if (!isTree(value) || value["validation"] !== "documents") return value;
  const { validation: _, ...rest } = value;
  return rest;
}

/** Children of no known type, types that beget themselves, passes over no documents. */
export function hierarchyProblems(types: ReadonlyMap<string, LoadedLoopType>): readonly Problem[] {
  return [...types.values()].flatMap((type) => {
    const { begets, definition } = type;
    if (begets === null) {
      if (definition.passes === undefined) return [];
      return [problemAt(type, ["passes"], "passes are for types that beget: begets is missing")];
    }
    if (!types.has(begets.type)) {
      const near = meant(didYouMean(begets.type, [...types.keys()]));
      const message = `unknown loop type ${quoted(begets.type)}`;
      return [problemAt(type, ["begets", "type"], message, near)];
    }
    const circle = circleFrom(type.name, types);
    if (circle === null) return [];
    const message = `types beget each other in a circle: ${circle.join(" → ")}`;
    return [problemAt(type, ["begets", "type"], message)];
  });
}

/** The way from a type back to itself, or null. */
function circleFrom(
  name: string,
  types: ReadonlyMap<string, LoadedLoopType>,
): readonly string[] | null {
  const way = [name];
  while (way.length <= types.size) {
    const next = types.get(way.at(-1) ?? "")?.begets?.type;
    if (next === undefined) return null;
    way.push(next);
    if (next === name) return way;
  }
  return null;
}

function problemAt(
  type: LoadedLoopType,
  path: KeyPath,
  message: string,
  suggestion: string | null = null,
): Problem {
  return { ...type.placeOf(path), message, suggestion };
}
