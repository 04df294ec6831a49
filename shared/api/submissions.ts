import * as v from "valibot";
import { Submission } from "../chain/submission.ts";
import { TxId } from "../chain/transaction.ts";
import { flag } from "./parameters.ts";
import type { Plan } from "./plan.ts";

export const Submitted = v.strictObject({
  txId: TxId,
  state: v.picklist(["awaiting_payment", "pending", "reserved", "mined", "set_aside"]),
  statusUrl: v.string(),
});
export type Submitted = v.InferOutput<typeof Submitted>;

export const submission = {
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
} as const satisfies Plan;
