import * as v from "valibot";
import { chainHead } from "../../shared/chain-head.ts";
import { json } from "../../shared/http/answer.ts";
import { operation } from "./operation.ts";
import { Reason } from "./reason.ts";

const ResumeRequest = v.strictObject({
  by: v.pipe(v.string("who are you?"), v.trim(), v.minLength(1, "who are you?"), v.maxLength(100)),
  reason: Reason,
});

export const resume = operation(
  {
    does: "Lets a halted chain go on, once an operator has looked and says why",
    who: "operator",
    body: ResumeRequest,
    answers: { 200: v.unknown() },
  },
  async ({ body, env }) => {
    const { halted } = await chainHead(env).head();
    await chainHead(env).resume(body.by, body.reason);
    return json({ resumed: halted !== null, halted });
  },
);
