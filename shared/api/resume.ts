import * as v from "valibot";
import { Halted } from "./halted.ts";
import type { Plan } from "./plan.ts";
import { Reason } from "./reason.ts";

export const ResumeRequest = v.strictObject({
  by: v.pipe(
    v.string("who are you?"),
    v.regex(/\S/, "who are you?"),
    v.maxLength(100, "at most 100 characters"),
    v.trim(),
    v.description("Who has looked"),
  ),
  reason: Reason,
});
export type ResumeRequest = v.InferOutput<typeof ResumeRequest>;

export const Resumed = v.strictObject({
  resumed: v.pipe(
    v.boolean(),
    v.description("false: the chain was not halted, or only a restore ends the halt: `halted.endsWith`"),
  ),
  halted: v.pipe(v.nullable(Halted), v.description("What it was halted for")),
});
export type Resumed = v.InferOutput<typeof Resumed>;

export const resume = {
  does: "Lets a halted chain go on, once an operator has looked and says why",
  who: "operator",
  body: ResumeRequest,
  answers: { 200: Resumed },
} as const satisfies Plan;
