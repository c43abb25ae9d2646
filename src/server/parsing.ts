import type { Context } from "hono";
import { exitCodes, UserError } from "../protocol/errors.ts";
import * as schemas from "../protocol/schemas.ts";

/** The loop that the path names. */
export function idOf(context: Context): string {
  return parsed(schemas.loopId, context.req.param("id"), "the path");
}

export async function bodyOf<T>(context: Context, schema: schemas.BodySchema<T>): Promise<T> {
  let body: unknown;
  try {
    body = await context.req.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError(exitCodes.usage, "the body is not JSON", { cause: error });
  }
  return parsed(schema, body, "the body");
}

export function parsed<T>(schema: schemas.BodySchema<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  const message = `${where} is wrong${path === "" ? "" : ` at ${path}`}: ${issue?.message}`;
  throw new UserError(exitCodes.usage, message);
}
