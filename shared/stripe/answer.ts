import * as v from "valibot";
import { TransactionType, TxId } from "../chain/transaction.ts";
import { IGNORED_REASONS } from "./decision.ts";

/** What Stripe is told of a delivery that is done with: a transaction of it is in the queue, or it is not for the chain. */
export const WebhookAnswer = v.union([
  v.strictObject({ received: v.literal(true), txId: TxId, type: TransactionType }),
  v.strictObject({ received: v.literal(true), ignored: v.picklist(IGNORED_REASONS) }),
]);
export type WebhookAnswer = v.InferOutput<typeof WebhookAnswer>;
