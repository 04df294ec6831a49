import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/rpc-result.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/submissions.ts";

export const submission = operation(api.submission, async ({ env, query, body, requestId }) => {
  const submitted = done(await env.ACCOUNTS.submit(body, query, requestId));
  const statusUrl = `/api/vdc/transactions/${submitted.txId}`;
  return json({ ...submitted, statusUrl } satisfies api.Submitted, {
    status: 202,
    headers: { location: statusUrl },
  });
});
