import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/resume.ts";

export const resume = operation(api.resume, async ({ body, operator, env }) => {
  const { halted } = await chainHead(env).head();
  const resumed = await chainHead(env).resume(operator?.name ?? body.by, body.reason);
  return json({ resumed, halted } satisfies api.Resumed);
});
