import * as v from "valibot";
import { Submission } from "../../../shared/chain/submission.ts";
import { TxId } from "../../../shared/chain/transaction.ts";
import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/outcome.ts";
import { operation } from "../http/operation.ts";
import { flag } from "../http/parameters.ts";

export const Submitted = v.strictObject({
  txId: TxId,
  state: v.picklist(["awaiting_payment", "pending", "reserved", "mined", "set_aside"]),
  statusUrl: v.string(),
});
export type Submitted = v.InferOutput<typeof Submitted>;

export const submission = operation(
  {
    does: "Takes a transaction that its user signed; the same again is answered with where it is",
    who: "anyone",
    query: v.strictObject({
      allowUnregistered: flag(
        false,
        "true: a transfer may give the asset to a key that no user has registered",
      ),
    }),
    body: Submission,
    signed: true,
    answers: { 202: Submitted },
    problems: [
      "invalid-user-signature",
      "timestamp-outside-window",
      "already-exists",
      "unknown-asset",
      "not-owner",
      "recipient-not-registered",
      "registration-needs-token",
      "personal-data",
      "intent-expired",
      "queue-unavailable",
      "not-configured",
    ],
  },
  async ({ env, query, body, requestId }) => {
    const submitted = done(await env.ACCOUNTS.submit(body, query, requestId));
    const statusUrl = `/api/vdc/transactions/${submitted.txId}`;
    return json({ ...submitted, statusUrl } satisfies Submitted, {
      status: 202,
      headers: { location: statusUrl },
    });
  },
);
