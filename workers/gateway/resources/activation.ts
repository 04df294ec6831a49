import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/rpc-result.ts";
import { operation } from "../http/operation.ts";
import { NAMELESS } from "../http/operator.ts";
import * as api from "../../../shared/api/activation.ts";

export const activationToken = operation(api.activationToken, async ({ env, body, operator, requestId }) => {
  const { expiresInSeconds, private: privatePart } = body;
  const order = { expiresInSeconds, private: privatePart, issuedBy: operator?.name ?? NAMELESS };
  return json(done(await env.ACCOUNTS.issueToken(order, requestId)) satisfies api.IssuedToken);
});

export const activation = operation(api.activation, async ({ env, body, requestId }) => {
  const activated = done(await env.ACCOUNTS.activate(body, requestId));
  const statusUrl = `/api/vdc/transactions/${activated.txId}`;
  return json({ ...activated, statusUrl } satisfies api.Activated, {
    status: 202,
    headers: { location: statusUrl },
  });
});
