import * as v from "valibot";
import { TransactionType, TxId } from "../chain/transaction.ts";
import { IGNORED_REASONS } from "./decision.ts";

/**
 * The answer to a delivery from Stripe that is finished: its transaction is in the queue, or the event is not for the
 * chain.
 */
export const WebhookAnswer = v.union([
  v.strictObject({ received: v.literal(true), txId: TxId, type: TransactionType }),
  v.strictObject({ received: v.literal(true), ignored: v.picklist(IGNORED_REASONS) }),
]);
export type WebhookAnswer = v.InferOutput<typeof WebhookAnswer>;
