import * as v from "valibot";
import type { Submission } from "../chain/submission.ts";
import { Timestamp, TxId, UserRegistrationData, UserSignature, Sha256Hex } from "../chain/transaction.ts";
import { UserMetadataRecord, UserId } from "../chain/user-metadata.ts";
import type { Plan } from "./plan.ts";
import { Reason } from "./reason.ts";

export const ActivationToken = v.pipe(
  v.string(),
  v.regex(/^vdc_at_[A-Za-z0-9_-]{43}$/, "expected vdc_at_ and 43 characters"),
  v.description("Whoever holds it may register one user, once"),
);

/**
 * The request that a user sends with a token. `signature` is that of the `user_registration` transaction of these keys at
 * this time: the same bytes as when it is submitted without a token. docs/format.md, section 4.
 */
export const ActivationRequest = v.strictObject({
  token: ActivationToken,
  timestamp: Timestamp,
  keys: UserRegistrationData,
  signature: UserSignature,
  encryptedMetadata: v.optional(UserMetadataRecord),
});
export type ActivationRequest = v.InferOutput<typeof ActivationRequest>;

/** The submission that an activation request stands for. Nothing has been verified. */
export function registrationOf({
  timestamp,
  keys,
  signature,
}: Pick<ActivationRequest, "timestamp" | "keys" | "signature">): Submission {
  return { type: "user_registration", timestamp, data: keys, signatures: { user: signature } };
}

const WEEK_SECONDS = 604_800;

export const TokenRequest = v.strictObject({
  expiresInSeconds: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(60),
      v.maxValue(31_536_000),
      v.description("How long it can be used: a minute to a year"),
    ),
    WEEK_SECONDS,
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

export const activationToken = {
  does: "Makes a token with which one user can register, once; the answer is the only place that shows it",
  who: "operator",
  body: TokenRequest,
  answers: { 200: IssuedToken },
  problems: ["not-configured"],
} as const satisfies Plan;

export const Activated = v.strictObject({
  txId: TxId,
  userId: UserId,
  state: v.picklist(["pending", "reserved", "mined", "set_aside"]),
  statusUrl: v.string(),
});
export type Activated = v.InferOutput<typeof Activated>;

export const activation = {
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
} as const satisfies Plan;
