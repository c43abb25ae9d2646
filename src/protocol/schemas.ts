/** What may come over the wire, field by field; unknown fields are refused. One truth for server and client. */
import { z } from "zod";
import { deliveries, priorities } from "../core/loop.ts";
import type { Raise, RunRequest } from "./door.ts";

const taskCharsMax = 1_000_000;
const batchMax = 10_000;

export const loopId = z.string().regex(/^[1-9]\d{0,9}(?:\.[1-9]\d{0,9}){0,7}$/, {
  error: "expected a loop id such as 7 or 7.2.1",
});

export const runRequest: z.ZodType<RunRequest> = z.strictObject({
  type: z.string().min(1).max(64),
  task: z.string().min(1).max(taskCharsMax),
  dir: z.string().startsWith("/").max(4_096),
  validate: z.string().min(1).max(10_000).nullable(),
  iterationsMax: z.int().min(1).max(100_000).nullable(),
  model: z.string().min(3).max(256).nullable(),
  budgetUsd: z.number().min(0).max(1e6).nullable(),
  base: z.string().min(1).max(1_024).nullable(),
  priority: z.enum(priorities),
  after: z.array(loopId).max(1_000),
  deliver: z.enum(deliveries).nullable(),
});

export const runRequests = z.array(runRequest).min(1).max(batchMax);

export const raise = z.strictObject({
  iterationsMax: z.int().min(1).max(100_000).optional(),
  budgetUsd: z.number().min(0).max(1e6).optional(),
}) as unknown as z.ZodType<Raise>;

export const answer = z.strictObject({ text: z.string().min(1).max(100_000) });
export const rollback = z.strictObject({ to: z.int().min(0).max(1_000_000) });
export const shutdown = z.strictObject({ now: z.boolean() });

export const loopFilter = z.strictObject({
  status: z.string().max(32).optional(),
  type: z.string().max(64).optional(),
  plan: loopId.optional(),
});

export const feedQuery = z.strictObject({
  from: z.coerce.number().int().min(1).optional(),
  loop: loopId.optional(),
});
