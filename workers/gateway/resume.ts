import * as v from "valibot";
import { chainHead } from "../../shared/chain-head.ts";
import { json } from "../../shared/http/answer.ts";
import { readText } from "../../shared/http/body.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { Call } from "./router.ts";

const MAX_BODY_BYTES = 10_000;

const ResumeRequest = v.strictObject({
  by: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(100)),
  reason: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(1_000)),
});

/** Lets a halted chain go on, once an operator has looked and says why. What halted it is answered. */
export async function resume({ request, env }: Call): Promise<Response> {
  const parsed = v.safeParse(ResumeRequest, parse(await readText(request, MAX_BODY_BYTES)));
  if (!parsed.success)
    throw new Problem("invalid-body", 'Send {"by": "<your name>", "reason": "<why it is safe to go on>"}.');
  const { halted } = await chainHead(env).head();
  await chainHead(env).resume(parsed.output.by, parsed.output.reason);
  return json({ resumed: halted !== null, halted });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
