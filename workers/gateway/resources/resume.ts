import * as v from "valibot";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Halted } from "../../../shared/api/halted.ts";
import { json } from "../../../shared/http/answer.ts";
import { operation } from "../http/operation.ts";
import { Reason } from "../http/reason.ts";

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

export const resume = operation(
  {
    does: "Lets a halted chain go on, once an operator has looked and says why",
    who: "operator",
    body: ResumeRequest,
    answers: { 200: Resumed },
  },
  async ({ body, operator, env }) => {
    const { halted } = await chainHead(env).head();
    const resumed = await chainHead(env).resume(operator?.name ?? body.by, body.reason);
    return json({ resumed, halted } satisfies Resumed);
  },
);
