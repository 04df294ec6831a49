import * as v from "valibot";
import { Sha256Hex, TxId } from "../chain/transaction.ts";
import { RECEIPTS_TYPE } from "../tlog/receipt.ts";
import { VdcProof } from "../verify/bundle.ts";
import { oneOf, WholeNumber } from "./parameters.ts";
import type { Plan } from "./plan.ts";

/** Names the quorum of the proof's checkpoint: `none` where no witnesses are set. */
export const WITNESS_QUORUM_HEADER = "x-witness-quorum";
export type WitnessQuorum = "reached" | "not-reached" | "none";

export const TLOG_PROOF_TYPE = "text/plain; charset=utf-8";

export const proof = {
  does: "A proof that the transaction is in the log, against the newest cosigned checkpoint that covers it, else the newest. By `accept`: C2SP tlog-proof, the self-contained vdc-proof@1, or COSE receipts (RFC 9942), one for each key of the log. `x-witness-quorum` says whether the witnesses cosigned it: reached, not-reached or none",
  who: "anyone",
  params: v.strictObject({ txId: TxId }),
  headers: {
    accept:
      "text/plain (the default) for a tlog-proof, application/json for vdc-proof@1, application/cose for receipts",
  },
  answers: {
    200: { byAccept: { [TLOG_PROOF_TYPE]: null, "application/json": VdcProof, [RECEIPTS_TYPE]: null } },
  },
  problems: ["not-found", "not-in-checkpoint", "unavailable"],
  beyondKv: true,
} as const satisfies Plan;

const Size = v.pipe(WholeNumber, v.minValue(1, "expected at least 1"));
const LogState = v.strictObject({
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  root: v.pipe(Sha256Hex, v.description("RFC 6962 root")),
});

export const Consistency = v.strictObject({
  log: v.picklist(["blocks", "transactions"]),
  from: LogState,
  to: LogState,
  path: v.pipe(v.array(Sha256Hex), v.description("PROOF of RFC 6962 §2.1.2")),
});
export type Consistency = v.InferOutput<typeof Consistency>;

export const consistency = {
  does: "A proof that the log of size `to` begins with the log of size `from`, so that nothing was changed in between",
  who: "anyone",
  query: v.strictObject({
    from: v.pipe(Size, v.description("Number of entries that you know")),
    to: v.optional(v.pipe(Size, v.description("Not above the newest checkpoint's, which it is by default"))),
    log: v.optional(oneOf(["blocks", "transactions"], "Which of the two logs"), "blocks"),
  }),
  answers: { 200: Consistency },
  problems: ["not-found", "unavailable"],
  beyondKv: true,
} as const satisfies Plan;
