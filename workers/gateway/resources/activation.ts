import * as v from "valibot";
import { ActivationRequest, ActivationToken } from "../../../shared/api/activation.ts";
import { Sha256Hex, Timestamp, TxId } from "../../../shared/chain/transaction.ts";
import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/outcome.ts";
import { UserId } from "../../../shared/chain/user-metadata.ts";
import { operation } from "../http/operation.ts";
import { NAMELESS } from "../http/operator.ts";
import { Reason } from "../http/reason.ts";

const WEEK = 604_800; // seconds

export const TokenRequest = v.strictObject({
  expiresInSeconds: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(60),
      v.maxValue(31_536_000),
      v.description("How long it can be used: a minute to a year"),
    ),
    WEEK,
  ),
  private: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9 _-]{0,63}$/, "expected a name in plain letters")),
        v.pipe(v.string(), v.maxLength(1_000)),
      ),
      v.maxEntries(20),
      v.description("For whom it is, say: texts by name, 4 kB in all. Kept encrypted to the system's key"),
    ),
  ),
  reason: v.optional(Reason),
});
export type TokenRequest = v.InferOutput<typeof TokenRequest>;

export const IssuedToken = v.strictObject({
  token: v.pipe(ActivationToken, v.description("Shown once: it is kept nowhere")),
  tokenHash: v.pipe(Sha256Hex, v.description("SHA-256 of the token: what it is known by")),
  expiresAt: Timestamp,
});
export type IssuedToken = v.InferOutput<typeof IssuedToken>;

export const activationToken = operation(
  {
    does: "Makes a token with which one user can register, once; the answer is the only place that shows it",
    who: "operator",
    body: TokenRequest,
    answers: { 200: IssuedToken },
    problems: ["not-configured"],
  },
  async ({ env, body, operator, requestId }) => {
    const { expiresInSeconds, private: hidden } = body;
    const order = { expiresInSeconds, private: hidden, issuedBy: operator?.name ?? NAMELESS };
    return json(done(await env.ACCOUNTS.issueToken(order, requestId)) satisfies IssuedToken);
  },
);

export const Activated = v.strictObject({
  txId: TxId,
  userId: UserId,
  state: v.picklist(["pending", "reserved", "mined", "set_aside"]),
  statusUrl: v.string(),
});
export type Activated = v.InferOutput<typeof Activated>;

export const activation = operation(
  {
    does: "Registers the user who holds a token; the same request again is answered with where the registration is",
    who: "anyone",
    body: ActivationRequest,
    signed: true,
    answers: { 202: Activated },
    problems: [
      "invalid-user-signature",
      "timestamp-outside-window",
      "not-found",
      "already-exists",
      "activation-used",
      "stale-version",
      "activation-expired",
      "queue-unavailable",
      "not-configured",
      "unavailable",
    ],
  },
  async ({ env, body, requestId }) => {
    const activated = done(await env.ACCOUNTS.activate(body, requestId));
    const statusUrl = `/api/vdc/transactions/${activated.txId}`;
    return json({ ...activated, statusUrl } satisfies Activated, {
      status: 202,
      headers: { location: statusUrl },
    });
  },
);
