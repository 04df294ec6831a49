import * as v from "valibot";
import { Replay, REPLAY_RATE, ReplayPlan, Selection } from "./dead-letters.ts";
import type { Plan } from "./plan.ts";
import { Reason } from "./reason.ts";

export const ReplayRequest = v.strictObject({
  select: Selection,
  reason: Reason,
  ratePerSecond: v.optional(
    v.pipe(
      v.number(),
      v.integer("expected a whole number"),
      v.minValue(REPLAY_RATE.least, `expected at least ${REPLAY_RATE.least}`),
      v.maxValue(REPLAY_RATE.most, `expected at most ${REPLAY_RATE.most}`),
    ),
    REPLAY_RATE.otherwise,
  ),
  dryRun: v.optional(v.boolean(), false),
});
export type ReplayRequest = v.InferOutput<typeof ReplayRequest>;

export const createReplay = {
  does: "Replays dead letters once their cause is mended, or says with `dryRun` what that would do",
  who: "operator",
  headers: {
    "idempotency-key":
      "up to 200 characters, kept for a week: the same request with the same key makes one replay, and gets one answer. A dry run makes none, and does not use it up",
  },
  body: ReplayRequest,
  answers: { 200: ReplayPlan, 202: Replay },
  problems: ["not-found", "replay-active", "idempotency-mismatch", "unavailable"],
} as const satisfies Plan;

export const ReplayList = v.strictObject({ replays: v.array(Replay) });
export type ReplayList = v.InferOutput<typeof ReplayList>;

export const replays = {
  does: "The last 100 replays, the newest first",
  who: "operator",
  answers: { 200: ReplayList },
} as const satisfies Plan;

const params = v.strictObject({
  id: v.pipe(v.string(), v.uuid("expected the id of a replay"), v.description("The replay's `id`")),
});

export const replay = {
  does: "How far a replay is, and what became of each entry",
  who: "operator",
  params,
  answers: { 200: Replay },
  problems: ["not-found"],
} as const satisfies Plan;

export const abortReplay = {
  does: "Stops a replay: nothing more is sent, and what was sent stays sent",
  who: "operator",
  params,
  answers: { 200: Replay },
  problems: ["not-found"],
} as const satisfies Plan;
