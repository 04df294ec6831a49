import * as v from "valibot";
import { repeats, traitOf } from "../chain/public-text.ts";
import {
  AssetId,
  privateCommitment,
  TxId,
  txIdOf,
  type PendingPayload,
  type Transaction,
} from "../chain/transaction.ts";
import { base64url } from "../crypto/bytes.ts";
import type { PaymentFacts, MoneyMovement } from "./decision.ts";
import type { StripeEvent } from "./event.ts";
import { privatePartOf, type StripePrivatePart } from "./private-part.ts";

const SALT_BYTES = 32;

/**
 * The id of a transaction that comes from Stripe, the same for every event about one movement of money:
 * docs/format.md#42-transaction-id
 * @param source.account the connected account's id, null for the own account
 * @param source.object `source` of the decision
 */
export function stripeTxId(source: { livemode: boolean; account: string | null; object: string }): TxId {
  const { livemode, account, object } = source;
  return txIdOf({ source: "stripe", livemode, account, object });
}

/**
 * The contents of a payment's envelope. The public transaction says that something was paid or refunded, and for which
 * asset. Amounts, Stripe's ids and everything about the buyer stay in the private part.
 * @param options.salt 32 random bytes
 */
export function toTransaction(
  event: StripeEvent,
  decision: MoneyMovement,
  { salt }: { salt: Uint8Array },
): { txId: TxId; payload: PendingPayload } {
  if (salt.length !== SALT_BYTES) throw new TypeError(`expected a salt of ${SALT_BYTES} bytes`);
  const idOf = (object: string) =>
    stripeTxId({ livemode: event.livemode, account: event.account ?? null, object });

  const txId = idOf(decision.source);
  const part = privatePartOf(event, decision);
  const common = {
    id: txId,
    timestamp: event.created * 1000,
    privateCommitment: privateCommitment(salt, part),
    signatures: {},
  };
  const transaction: Transaction = { ...common, ...publicFacts(decision, part, idOf) };
  return { txId, payload: { transaction, private: { salt: base64url(salt), part } } };
}

/**
 * `null` stands for a transaction that the event does not name. The miner also writes it for one that the chain does not
 * hold.
 */
function publicFacts(decision: MoneyMovement, part: StripePrivatePart, idOf: (object: string) => TxId) {
  if (decision.kind === "purchase") return purchaseData(decision.facts, part);
  const named = (object: string | undefined) => (object === undefined ? null : idOf(object));
  const refunds = named(decision.purchase);
  if (decision.kind === "refund") return { type: "refund", data: { refunds } } as const;
  return { type: "refund_failure", data: { failed: named(decision.refund), refunds } } as const;
}

/**
 * A purchase that names a submission by its txId pays for it and does nothing else: the submission creates the asset. A
 * payment whose asset id must not be public is recorded without it: the id stays in the private part. Such an id does not fit the
 * schema, looks like an id of Stripe or a card's number, repeats the customer's name or address, or equals another private
 * fact.
 */
function purchaseData(
  { metadata: { assetId, ...metadata }, ...facts }: PaymentFacts,
  part: StripePrivatePart,
) {
  const { clientReferenceId: pays } = facts;
  if (v.is(TxId, pays)) return { type: "payment", data: { pays } } as const;
  const privateTexts = new Set<unknown>([
    ...Object.values(facts),
    ...Object.values(metadata),
    ...Object.values(part.stripe ?? {}),
  ]);
  const isPublic = (text: string) =>
    traitOf(text) === undefined &&
    !privateTexts.has(text) &&
    ![facts.customerName, facts.customerEmail].some((other) => other && repeats(text, other));
  return v.is(AssetId, assetId) && isPublic(assetId)
    ? ({ type: "asset_creation", data: { assetId } } as const)
    : ({ type: "payment", data: {} } as const);
}
