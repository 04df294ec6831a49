import * as v from "valibot";
import type { Plan } from "./plan.ts";

export const Health = v.strictObject({ status: v.literal("ok") });
export type Health = v.InferOutput<typeof Health>;

export const health = {
  does: "The process answers; says nothing of what it depends on",
  who: "anyone",
  answers: { 200: Health },
} as const satisfies Plan;

/** `detail` never holds the message of an exception: that goes to the log. */
const Check = v.strictObject({
  ok: v.boolean(),
  detail: v.optional(v.pipe(v.string(), v.description("What is wrong, when it is not ok, and what to do"))),
});

export type Check = v.InferOutput<typeof Check>;

export const Readiness = v.strictObject({
  ready: v.boolean(),
  checks: v.strictObject({
    kv: Check,
    r2: Check,
    ingest: Check,
    accounts: Check,
    chain: Check,
    keys: Check,
    audit: Check,
    dead_letters: Check,
    monitor: Check,
    storage: Check,
    ipfs_gateway: Check,
  }),
  oldestUnfinishedSeconds: v.pipe(
    v.nullable(v.number()),
    v.description(
      "Age of the oldest work that is owed; null when none is, or the chain head does not answer",
    ),
  ),
});
export type Readiness = v.InferOutput<typeof Readiness>;

export const ready = {
  does: "Whether work gets done: every binding answers, keys fit, nothing is halted, nothing that is owed is too old",
  who: "anyone",
  answers: { 200: Readiness, 503: Readiness },
  beyondKv: true,
} as const satisfies Plan;
